import { kindText } from "../../agent/store/server/server_kind.ts";
import { Unseen } from "../../agent/store/doctor/unseen.ts";
import { type Found, type Level, LEVELS } from "./concern.ts";
import { CONCERNS } from "./concerns.ts";
import { type Examined, ifSeen, isDatabase } from "./examined.ts";

/** Something that was found, and how bad it is. */
export interface Finding extends Found {
  /** The name of its concern. */
  readonly concern: string;
  readonly level: Level;
}

/** All that the doctor has to say. */
export interface Diagnosis {
  /** What was looked at, in a line. */
  readonly patient: string;
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** The concerns that nothing was found about. */
  readonly fine: readonly { readonly concern: string; readonly doc: string }[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly { readonly concern: string; readonly why: string }[];
  /** Nothing stops the agent. */
  readonly canWork: boolean;
}

/** Judges what was seen, concern by concern. */
export function diagnosisOf(examined: Examined): Diagnosis {
  const findings: Finding[] = [];
  const fine: { concern: string; doc: string }[] = [];
  const unseen: { concern: string; why: string }[] = [];
  for (const { doc, findings: specs, look, name: concern } of CONCERNS) {
    const found = [...look(examined)];
    for (const each of found) {
      if (each instanceof Unseen) unseen.push({ concern, why: each.reason });
      else findings.push({ ...each, concern, level: specs[each.is]!.level });
    }
    if (found.length === 0) fine.push({ concern, doc });
  }
  const rank = ({ level }: Finding) => LEVELS.indexOf(level);
  return {
    patient: patientText(examined),
    findings: findings.sort((one, other) => rank(one) - rank(other)),
    fine,
    unseen,
    canWork: findings.every(({ level }) => level !== "stops"),
  };
}

function patientText({ database, settings }: Examined): string {
  const what = `${settings.mongodbDatabase}.${settings.mongodbCollection}`;
  if (!isDatabase(database)) return `${what}, which is out of reach`;
  const { heartbeats: [first], version } = database;
  const user = ifSeen(database.user);
  const place = first === undefined
    ? "servers behind a load balancer"
    : first.isRouter
    ? "a sharded cluster"
    : first.setName !== undefined
    ? `the replica set ${first.setName}`
    : "one server";
  const addresses = database.heartbeats.map(({ address }) => address).join(", ");
  const known = ifSeen(version);
  const kind = ifSeen(database.server)?.kind;
  const name = kind === undefined ? known && `MongoDB ${known}` : kindText(kind);
  return `${what} in ${place}${addresses && ` at ${addresses}`}${name === undefined ? "" : `, ${name}`}, ` +
    (user === undefined ? "without a login" : `as the user ${user.name} of ${user.database}`);
}

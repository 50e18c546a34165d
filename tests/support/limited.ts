import type { Timestamp } from "mongodb";
import { AgentHome, type AgentHomeOptions } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";
import { documentsOf } from "./documents.ts";
import type { TestDatabase } from "./mongod.ts";
import { newScratchDir } from "../../scripts/scratch_dir.ts";

const LEASE_MS = 30_000;

/** Notes when each document starts. */
const MODULE = `
const starts = Deno.env.get("STARTS");
export default () => Deno.writeTextFileSync(starts, Date.now() + "\\n", { append: true });`;

/** A home for agents with a limit: their processor notes when each document starts. */
export async function limitedHome(
  db: NonNullable<AgentHomeOptions["db"]>,
  env: Record<string, string>,
): Promise<LimitedHome> {
  const home = new LimitedHome(await newScratchDir("limited"), { db, module: MODULE, env });
  await Deno.mkdir(`${home.dir}/control`);
  await home.write("processor.js", MODULE);
  return home;
}

/** Use {@linkcode limitedHome}. */
export class LimitedHome extends AgentHome {
  readonly #startsFile: string;

  constructor(dir: string, { env, ...options }: AgentHomeOptions) {
    const startsFile = `${dir}/starts`;
    super(dir, { ...options, env: { STARTS: startsFile, LEASE_DURATION: `${LEASE_MS / 1000}`, ...env } });
    this.#startsFile = startsFile;
  }

  /** Where one of several agents has its health files. */
  healthDirOf(name: string): string {
    return `${this.dir}/health-${name}`;
  }

  /** Starts one of several agents. */
  startOne(name: string): Promise<AgentProcess> {
    return this.start({ env: { AGENT_NAME: name, HEALTH_DIR: this.healthDirOf(name) } });
  }

  /** When documents started, in milliseconds since 1970, in order. */
  async starts(): Promise<number[]> {
    const text = await Deno.readTextFile(this.#startsFile).catch(() => "");
    return text.split("\n").filter((line) => line !== "").map(Number).toSorted((one, other) => one - other);
  }
}

/** When the first `count` leases after a time of the server began, by the leases themselves, in milliseconds since 1970, in order. */
export async function leasesBegun(db: TestDatabase, since: Timestamp, count: number): Promise<number[]> {
  const changes = documentsOf(db).watch([], { startAtOperationTime: since });
  const begun: number[] = [];
  try {
    while (begun.length < count) {
      const change = await changes.next();
      if (change.operationType !== "update") continue;
      const { status, ...fields }: Record<string, unknown> = change.updateDescription.updatedFields ?? {};
      if (status !== "processing") continue;
      const until = (fields["_pull.visible_at"] ?? (fields._pull as { visible_at: Date }).visible_at) as Date;
      begun.push(until.getTime() - LEASE_MS);
    }
  } finally {
    await changes.close();
  }
  return begun.toSorted((one, other) => one - other);
}

import { type Db, MongoClient } from "mongodb";
import { type AgentHome, agentHome } from "../../support/agent_home.ts";
import { testDatabase } from "../../support/mongod.ts";
import { integerFrom, pick } from "../../support/random.ts";
import type { Area, Trials, Verdict, World } from "../area.ts";
import { type Fault, inflict, mayBlame, randomFault } from "../faults.ts";
import { brokenInText } from "../output.ts";
import { type Blow, BLOWS, PASSWORD, ProcessFate, SHUTDOWN_TIMEOUT_MS } from "../process_fate.ts";
import { shorter } from "../shrink.ts";

/** How a handler takes its document; some of them try to give the connection string away. */
const PLANS = [
  "succeed",
  "set",
  "fail",
  "fail once",
  "fail for good",
  "slow",
  "tell",
  "stray",
  "log",
] as const;

/** A run of the executable: its documents, what befalls it and its server, and settings. */
export interface Life {
  plans: (typeof PLANS[number])[];
  faults: Fault[];
  blows: { afterMs: number; blow: Blow }[];
  env: Record<string, string>;
}

const MAX_ATTEMPTS = 3;
const REST_LIMIT_MS = 120_000;
/** Longer than an agent waits after a claim that failed, in milliseconds. */
const QUIET_MS = 10_000;
/** Counts each run in a file, as processes come and go. */
const MODULE = `
export default async ({ _id, plan }, { attempt, log }) => {
  mark("start " + _id);
  await new Promise((resolve) => setTimeout(resolve, plan === "slow" ? 80 : 1));
  mark("end " + _id);
  if (plan === "set") return { set: { result: _id } };
  if (plan === "fail") throw new Error("not now");
  if (plan === "fail once" && attempt === 1) throw new Error("not yet");
  if (plan === "fail for good") throw Object.assign(new Error("for good"), { permanent: true });
  if (plan === "tell") throw new Error("cannot reach " + Deno.env.get("MONGODB_URI"), { cause: Deno.env.get("MONGODB_URI") });
  if (plan === "stray") Promise.reject(new Error("stray " + Deno.env.get("MONGODB_URI")));
  if (plan === "log") log.warn("uri " + Deno.env.get("MONGODB_URI"), { error: new Error(Deno.env.get("MONGODB_URI")), n: 1n });
};`;

/** The compiled executable with a server that fails, and with signals of all kinds. */
export class ProcessArea implements Area<Life> {
  readonly name = "process";

  generate(random: () => number): Life {
    return {
      plans: Array.from({ length: integerFrom(random, 1, 60) }, () => pick(random, PLANS)),
      faults: Array.from({ length: integerFrom(random, 0, 4) }, () => randomFault(random)),
      blows: Array.from(
        { length: integerFrom(random, 0, 4) },
        () => ({ afterMs: integerFrom(random, 0, 400), blow: pick(random, BLOWS) }),
      ),
      env: {
        BATCH_SIZE: pick(random, ["1", "5", "100"]),
        CONCURRENCY: pick(random, ["1", "8"]),
        CHANGE_STREAM: pick(random, ["auto", "off"]),
        // Each document that is refused has a line of its own at this level alone.
        LOG_LEVEL: "DEBUG",
        READ_BACK: pick(random, ["contended", "always"]),
      },
    };
  }

  size({ faults, blows }: Life): number {
    return faults.length + blows.length + 1;
  }

  *smaller(life: Life): Iterable<Life> {
    for (const faults of shorter(life.faults)) yield { ...life, faults };
    for (const blows of shorter(life.blows)) yield { ...life, blows };
    for (const plans of shorter(life.plans)) yield { ...life, plans };
  }

  show({ plans, faults, blows, env }: Life): string {
    return [
      JSON.stringify(env),
      `plans: ${plans.join(", ")}`,
      ...[...faults, ...blows].map((it) => JSON.stringify(it)),
    ]
      .join("\n");
  }

  async open({ uri }: World): Promise<ProcessTrials> {
    const admin = await new MongoClient(uri, { appName: "fuzzer" }).connect();
    const users = (await admin.db("admin").command({ usersInfo: "fuzz" })).users;
    const command = users.length > 0 ? { updateUser: "fuzz" } : { createUser: "fuzz" };
    await admin.db("admin").command({ ...command, pwd: PASSWORD, roles: ["root"] });
    return new ProcessTrials(admin, uri);
  }
}

class ProcessTrials implements Trials<Life> {
  readonly #admin: MongoClient;
  readonly #uri: string;

  constructor(admin: MongoClient, uri: string) {
    this.#admin = admin;
    this.#uri = uri.replace("mongodb://", `mongodb://fuzz:${encodeURIComponent(PASSWORD)}@`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
  }

  async attempt({ plans, faults, blows, env }: Life): Promise<Verdict> {
    await using database = await testDatabase("fuzz process");
    const documents = plans.map((plan, _id) => ({ _id: _id as never, plan, status: "pending" }));
    if (documents.length > 0) await database.db.collection("documents").insertMany(documents);
    const name = `fuzz-${crypto.randomUUID().slice(0, 8)}`;
    await using home = await agentHome({
      db: { uri: this.#uri, name: database.name },
      module: MODULE,
      env: {
        ...env,
        AGENT_NAME: name,
        LEASE_DURATION: "1",
        SHUTDOWN_TIMEOUT: String(SHUTDOWN_TIMEOUT_MS / 1000),
        MAX_ATTEMPTS: String(MAX_ATTEMPTS),
      },
    });
    const fate = new ProcessFate(home);
    const inflicted = inflict(this.#admin, `pulling-agent/${name}`, faults);
    await fate.start();
    for (const { afterMs, blow } of blows) {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await fate.deal(blow);
    }
    await inflicted;
    await fate.recover();
    await untilSettled(database.db, fate);
    await fate.end();
    const broken = [...fate.broken, ...await judge(database.db, home, fate, faults)];
    return { broken, evidence: fate.evidence };
  }
}

async function untilSettled(db: Db, fate: ProcessFate): Promise<void> {
  const endMs = performance.now() + REST_LIMIT_MS;
  let [last, sinceMs] = [-1, 0];
  for (;;) {
    const left = await db.collection("documents").countDocuments({
      status: { $in: ["pending", "processing"] },
    });
    const now = performance.now();
    if (left !== last) [last, sinceMs] = [left, now];
    if (left === 0 || now > endMs || now - sinceMs > QUIET_MS || fate.hasEnded) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What must hold of each document in the end. */
async function judge(
  db: Db,
  home: AgentHome,
  { killed, toldOf }: ProcessFate,
  faults: readonly Fault[],
): Promise<string[]> {
  const broken: string[] = [];
  let left = 0;
  const starts = Map.groupBy(await home.marks(), ({ text }) => text);
  const letters = new Set((await db.collection("documents_dead_letters").distinct("_id")).map(Number));
  const stored = await db.collection("documents").find().toArray();
  for (const { _id, plan, status, result, error, _pull, ...rest } of stored) {
    const say = (what: string) => broken.push(`${what} (plan ${plan}, document ${_id})`);
    const runs = starts.get(`start ${_id}`)?.length ?? 0;
    const fails = plan === "fail" || plan === "fail for good" || plan === "tell";
    // One that ended its process in company twice, and alone twice, is condemned: blows here may look like that.
    if (status !== "processed" && status !== "failed") {
      // If a server refused a document once because of the document, it is left alone for a minute, and reported.
      if (!faults.some(mayBlame) || ++left > toldOf) {
        say(`A document stays ${status}, and the agents told of ${toldOf}`);
      }
      continue;
    }
    if (status === "processed" && fails) say("A document is processed whose handler failed");
    // A server that says of an outcome that the document cannot take it makes a failure of it.
    if (status === "failed" && !fails && killed === 0 && !faults.some(mayBlame)) {
      say(`A document failed without reason: ${error}`);
    }
    if (status === "failed" && !letters.has(Number(_id))) say("A document is failed and has no dead letter");
    if (status === "processed" && runs === 0) say("A document is processed that no handler has seen");
    if (status === "processed" && plan === "set" && String(result) !== String(_id)) {
      say("What a handler set is not there");
    }
    if (_pull?.token) say(`A ${status} document is leased`);
    if (_pull?.attempts > MAX_ATTEMPTS) say(`A document has ${_pull.attempts} attempts`);
    const odd = Object.keys(rest).filter((name) => name !== "processed_at");
    if (odd.length > 0) say(`A document has fields that no one wrote: ${odd}`);
  }
  const all = JSON.stringify([stored, await db.collection("documents_dead_letters").find().toArray()]);
  broken.push(
    ...brokenInText(all, [PASSWORD, encodeURIComponent(PASSWORD)]).filter((what) => /secret/.test(what)),
  );
  return broken;
}

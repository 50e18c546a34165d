/**
 * Four agents with a program or a service as their processor. They, the program's processes and the service are killed
 * at random.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { spawnTied } from "../../scripts/tied_process.ts";
import { type AgentHome, agentHome } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";
import { documentsOf } from "./documents.ts";
import { type TestDatabase, testDatabase } from "./mongod.ts";
import { childrenOf, isGone } from "./proc.ts";
import { pick, shuffled, testRandom } from "./random.ts";
import type { AnyDocument } from "./store.ts";
import { waitFor } from "./wait.ts";

const MAX_ATTEMPTS = 8;
const REPLICAS = 4;

/** What is done with a document, in Python; each run leaves a line with the process, the document and its attempt. */
const WORK = `import json, os, sys, time
def work(document, attempt):
    with open(os.environ["MARKS"], "a") as marks: marks.write(f"{os.getpid()} {document['_id']} {attempt}\\n")
    time.sleep(0.004)
    if document["kind"] == "hopeless" or (document["kind"] == "flaky" and attempt < 2): return {"message": "not now"}
    return {"set": {"of": document["_id"]}}
`;

const PROGRAM = `${WORK}
for line in sys.stdin:
    call = json.loads(line)
    result = work(call["document"], call["attempt"])
    answer = {"ok": False, "error": result["message"]} if "message" in result else {"ok": True, "result": result}
    print(json.dumps({"id": call["id"], **answer}), flush=True)
`;

const SERVICE = `${WORK}
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Work(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(work(document, int(self.headers["X-Attempt"]))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Work).serve_forever()
`;

/** How much there is to do, and how often something is killed meanwhile. */
export interface Kills {
  readonly processor: "program" | "service";
  readonly documents: number;
  readonly kills: number;
  readonly claimMode?: "document" | "range";
}

/**
 * Runs it to the end.
 *
 * @throws {AssertionError} if a document is lost, ends without reason or has more attempts than it may have, or if a
 * process outlives its agent
 */
export async function killAtRandom(
  { claimMode = "document", processor, documents, kills }: Kills,
): Promise<void> {
  await using database = await testDatabase(`kills of a ${processor}`);
  const random = testRandom();
  const kinds = Array.from(
    { length: documents },
    (_, at) => at % 40 === 7 ? "hopeless" : at % 10 === 3 ? "flaky" : "good",
  );
  await documentsOf(database).insertMany(
    shuffled(random, kinds.map((kind, _id) => ({ _id, kind, status: "pending" }))) as never[],
  );
  await using fleet = await Fleet.start(database, processor, claimMode);
  // A third of the kills are of agents, by chance when: some of each there must be.
  const victims = shuffled(
    random,
    Array.from({ length: kills }, (_, at) => at % 3 === 0 ? "agent" as const : "other" as const),
  );
  const settled = () => documentsOf(database).countDocuments({ status: { $in: ["processed", "failed"] } });
  for (const [count, victim] of victims.entries()) {
    // Spread over the work: each as soon as its part of it is done.
    await waitFor("the work to go on", async () => await settled() >= documents * count / (kills + 2));
    await fleet.kill(victim, random);
  }
  await waitFor("all to be settled", async () => await settled() === documents);
  await fleet.drain();
  await judge(database, kinds, fleet);
}

async function judge(database: TestDatabase, kinds: string[], fleet: Fleet): Promise<void> {
  const stored = await documentsOf(database).find().toArray() as AnyDocument[];
  const runs = await fleet.runs();
  const letters = new Set(await database.db.collection("documents_dead_letters").distinct("_id"));
  assertEquals(stored.length, kinds.length);
  for (const { _id, status, of, error, _pull } of stored) {
    const told = `${_id} (${kinds[_id]}): ${status}, ${_pull.attempts} attempts: ${error}`;
    assert(_pull.attempts <= MAX_ATTEMPTS, told);
    assertEquals(_pull.token, undefined, told);
    assertEquals(letters.has(_id), status === "failed", told);
    assert(["processed", "failed"].includes(status), told);
    if (kinds[_id] === "hopeless") assertEquals(status, "failed", told);
    // What was hit at each of its attempts is a dead letter as well.
    if (status === "failed") assertEquals(_pull.attempts, MAX_ATTEMPTS, told);
    assertEquals(of, status === "processed" ? _id : undefined, told);
    // Each attempt of a document may meet a service that is down.
    if (status === "processed") assert(runs.some((run) => run.id === _id), `${_id} was never run`);
  }
  for (const { id, attempt } of runs) assert(attempt <= MAX_ATTEMPTS, `${id} ran as attempt ${attempt}`);
  if (fleet.processor === "service") return;
  assert(fleet.killedChildren > 0, "no process of the program was killed");
  for (const pid of new Set(runs.map(({ pid }) => pid))) {
    await waitFor(`the process ${pid} to end`, () => isGone(pid));
  }
}

/** The agents, each in a place of its own, and the service. */
class Fleet implements AsyncDisposable {
  readonly processor: Kills["processor"];
  killedChildren = 0;
  readonly #home: AgentHome;
  readonly #agents: AgentProcess[] = [];
  readonly #port: string;
  #service: Deno.ChildProcess | undefined;

  private constructor(home: AgentHome, processor: Kills["processor"], port: string) {
    this.processor = processor;
    this.#home = home;
    this.#port = port;
  }

  static async start(
    db: TestDatabase,
    processor: Kills["processor"],
    CLAIM_MODE: string,
  ): Promise<Fleet> {
    using free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const port = String((free.addr as Deno.NetAddr).port);
    const env = { CLAIM_MODE, MAX_ATTEMPTS: String(MAX_ATTEMPTS), PROCESS_TIMEOUT: "5s" };
    const home = await agentHome({ db, env });
    const fleet = new Fleet(home, processor, port);
    await home.write("program.py", PROGRAM);
    await home.write("service.py", SERVICE);
    free.close();
    await fleet.#serve();
    for (let place = 0; place < REPLICAS; place++) fleet.#agents.push(await fleet.#agent(place));
    return fleet;
  }

  /** Kills an agent, or else a process of the program or the service, without notice, and starts it anew. */
  async kill(victim: "agent" | "other", random: () => number): Promise<void> {
    if (victim === "agent") {
      const place = Math.floor(random() * REPLICAS);
      await this.#agents[place]!.kill9();
      this.#agents[place] = await this.#agent(place);
    } else if (this.processor === "service") {
      await this.#endService();
      await this.#serve();
    } else {
      this.killedChildren += 1;
      killNow(await waitFor("a process of the program", async () => pick(random, await this.#children())));
    }
  }

  async #children(): Promise<number[]> {
    return (await Promise.all(this.#agents.map(({ pid }) => childrenOf(pid)))).flat();
  }

  /** Has all agents end, which they must do in good order. */
  async drain(): Promise<void> {
    for (const agent of this.#agents) agent.signal("SIGTERM");
    for (const agent of this.#agents) assertEquals((await agent.exit()).code, 0, agent.output);
  }

  async runs(): Promise<{ pid: number; id: number; attempt: number }[]> {
    const marks = await this.#home.marks();
    return marks.map(({ pid, text }) => {
      const [id, attempt] = text.split(" ").map(Number);
      return { pid, id: id!, attempt: attempt! };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#home[Symbol.asyncDispose]();
    await this.#endService();
  }

  #agent(place: number): Promise<AgentProcess> {
    const PROCESSOR = this.processor === "service"
      ? `http://127.0.0.1:${this.#port}/work`
      : `exec:python3 ${this.#home.dir}/program.py`;
    const exec = this.processor === "program" ? { EXEC_PROCESSES: "2" } : {};
    const env = {
      PROCESSOR,
      ...exec,
      HEALTH_DIR: `${this.#home.dir}/health${place}`,
      CONCURRENCY: "4",
      BATCH_SIZE: "10",
    };
    return this.#home.start({ env });
  }

  async #serve(): Promise<void> {
    if (this.processor !== "service") return;
    const { dir, marksFile: MARKS } = this.#home;
    this.#service = await spawnTied("python3", [`${dir}/service.py`], {
      env: { PORT: this.#port, MARKS },
      stderr: "null",
    });
  }

  async #endService(): Promise<void> {
    if (this.#service === undefined) return;
    killNow(this.#service.pid);
    await this.#service.status;
  }
}

function killNow(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

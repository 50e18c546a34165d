import { assertEquals } from "@std/assert";
import type { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { invoiced, TARGET } from "../support/effects.ts";
import { TestDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** Asks for a write, once there is a file `marks.go` in the home. */
const INVOICING = `
export default async ({ _id }) => {
  mark("start " + _id);
  while (!(await Deno.stat(Deno.env.get("MARKS") + ".go").catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { writes: [{ collection: "${TARGET}", insertOne: { order: _id } }] };
};`;

/** A server that ends open transactions early, an agent on it whose commands it can hold up, and a second agent. */
class Setup implements AsyncDisposable {
  readonly #server: RunningMongod;
  readonly #stack = new AsyncDisposableStack();
  readonly database: TestDatabase;
  #homes: AgentHome[] = [];

  private constructor(server: RunningMongod) {
    this.#server = this.#stack.use(server);
    this.database = new TestDatabase(server.uri, "effects");
    this.#stack.defer(() => this.database.client.close());
  }

  static async start(): Promise<Setup> {
    const args = ["--setParameter", "transactionLifetimeLimitSeconds=2"];
    const setup = new Setup(await startMongod({ replicaSet: true, testCommands: true, args }));
    await insertPending(setup.database, upTo(5));
    await setup.database.db.createCollection(TARGET);
    return setup;
  }

  async home(appName: string): Promise<AgentHome> {
    const db = { uri: `${this.#server.uri}&appName=${appName}`, name: this.database.name };
    const home = this.#stack.use(await agentHome({ db, module: INVOICING }));
    this.#homes.push(home);
    return home;
  }

  /** An agent whose handlers have all returned, and of which the server has just got the `command`. */
  async agentAt(command: string): Promise<AgentProcess> {
    const home = await this.home("first");
    const agent = await home.startReady();
    await home.untilMarked("start 5");
    const block = { failCommands: [command], appName: "first", blockConnection: true, blockTimeMS: 1000 };
    const { count } = await this.#admin.command({
      configureFailPoint: "failCommand",
      mode: { times: 1 },
      data: block,
    });
    await home.write("marks.go", "");
    await this.#admin.command({
      waitForFailPoint: "failCommand",
      timesEntered: count + 1,
      maxTimeMS: 15_000,
    });
    return agent;
  }

  /** Has another agent process what is left, then asserts that each document has one effect. */
  async finish(): Promise<void> {
    const home = await this.home("second");
    await home.write("marks.go", "");
    await home.startReady();
    await this.untilProcessed();
  }

  async untilProcessed(): Promise<void> {
    const documents = documentsOf(this.database);
    await waitFor(
      "all to be processed",
      async () => await documents.countDocuments({ status: "processed" }) === 5,
    );
    assertEquals(await invoiced(this.database), [1, 2, 3, 4, 5]);
    assertEquals(await documents.countDocuments({ "_pull.attempts": 1 }), 5);
  }

  get #admin(): ReturnType<MongoClient["db"]> {
    return this.database.client.db("admin");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

for (const command of ["update", "insert", "commitTransaction"]) {
  Deno.test(`Effect writes are made once if the agent is killed while the server works on the ${command} of its transaction`, async () => {
    await using setup = await Setup.start();
    const agent = await setup.agentAt(command);
    await agent.kill9();
    await setup.finish();
  });
}

Deno.test("Effect writes that are under way when the agent drains are committed before it ends", async () => {
  await using setup = await Setup.start();
  const agent = await setup.agentAt("commitTransaction");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  await setup.untilProcessed();
});

Deno.test("Effect writes that are under way when the agent is forced to stop are made once, by it or by another", async () => {
  for (const command of ["insert", "commitTransaction"]) {
    await using setup = await Setup.start();
    const agent = await setup.agentAt(command);
    agent.signal("SIGTERM");
    await agent.log("Draining");
    agent.signal("SIGTERM");
    await agent.exit();
    await setup.finish();
  }
});

import type { Collection } from "mongodb";
import { assertEquals } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { upTo } from "../support/documents.ts";
import { PYTHON } from "../support/languages.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { PythonService } from "../support/python_service.ts";
import { integerFrom, pick, rounds, testRandom } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** What all stages have in common. */
interface Pulled {
  status: string;
}

interface Order extends Pulled {
  _id: number;
  lines: { quantity: number; unit_price: number }[];
  total?: number;
}

interface Invoice extends Pulled {
  order: number;
  total: number;
}

const linesOf = (n: number) => [{ quantity: n % 7 + 1, unit_price: n / 100 }];
const totalOf = (n: number) => (n % 7 + 1) * n / 100;

/** What a {@linkcode Stage} needs. */
interface StageOptions {
  home: AgentHome;
  documents: Collection<Pulled>;
  random: () => number;
}

/** Two agents of one stage, each of which is started again after it was killed. */
class Stage {
  readonly #options: StageOptions;
  readonly #agents: { process: AgentProcess; name: string }[] = [];
  #starts = 0;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async start(place: number): Promise<void> {
    const { home } = this.#options;
    this.#starts += 1;
    const name = `agent-${this.#starts}`;
    const process = await home.start({ env: { AGENT_NAME: name, HEALTH_DIR: `${home.dir}/health${place}` } });
    this.#agents[place] = { process, name };
  }

  /** Kills one of them after another, at random moments, until `count` have held documents at their end. */
  async killWhileHolding(count: number): Promise<void> {
    const { documents, random } = this.#options;
    for (let held = 0; held < count;) {
      const place = pick(random, [0, 1]);
      const { name, process } = this.#agents[place]!;
      const ofIt = { status: "processing", "_pull.owner": name };
      const processed = () => documents.countDocuments({ status: "processed" });
      await waitFor(`${name} to hold documents`, () => documents.findOne(ofIt));
      const moment = await processed() + integerFrom(random, 0, 100);
      await waitFor("progress", async () => await processed() >= moment);
      await process.kill9();
      if (await documents.findOne(ofIt)) held += 1;
      await this.start(place);
    }
  }
}

/**
 * Lets the server end transactions of clients that are gone after two seconds; `await using` restores its default. Until
 * then nothing can write their documents.
 */
async function quickRollback({ client }: TestDatabase): Promise<AsyncDisposable> {
  const limit = async (seconds: number) => {
    await client.db("admin").command({ setParameter: 1, transactionLifetimeLimitSeconds: seconds });
  };
  await limit(2);
  return { [Symbol.asyncDispose]: () => limit(60) };
}

Deno.test({
  name: "Pipelines: each order makes one invoice, which is sent once, while agents of both stages are killed",
  ignore: await isMissing(PYTHON),
  async fn() {
    const random = testRandom();
    await using db = await testDatabase("pipeline");
    await using _limit = await quickRollback(db);
    const orders = db.db.collection<Order>("orders");
    const invoices = await db.db.createCollection<Invoice>("invoices");
    await using service = await PythonService.start("invoice_service.py");

    const env = { BATCH_SIZE: "50", LEASE_DURATION: "1" };
    const PROCESSOR = `module:${ROOT}/examples/order_invoices.js`;
    await using first = await agentHome({
      db,
      env: { ...env, PROCESSOR, MONGODB_COLLECTION: "orders", WRITES_TO: "invoices" },
    });
    await using second = await agentHome({
      db,
      env: {
        ...env,
        PROCESSOR: `${service.address}/invoices`,
        MONGODB_COLLECTION: "invoices",
        WRITES_TO: "none",
      },
    });
    const pulled = (each: unknown) => each as Collection<Pulled>;
    const stages = [
      new Stage({ home: first, documents: pulled(orders), random }),
      new Stage({ home: second, documents: pulled(invoices), random }),
    ];
    let count = 0;
    const insertOrders = async () => {
      const next = upTo(200).map((n) => count + n);
      await orders.insertMany(next.map((_id) => ({ _id, status: "pending", lines: linesOf(_id) })));
      count += next.length;
    };
    await insertOrders();
    for (const stage of stages) await Promise.all([0, 1].map((place) => stage.start(place)));

    let isOver = false;
    const kills = Promise.all(stages.map((stage) => stage.killWhileHolding(rounds(1)))).finally(() =>
      isOver = true
    );
    const isShort = async () => isOver || await orders.countDocuments({ status: "pending" }) < 200;
    while (!isOver) {
      await waitFor("orders to be taken", isShort);
      if (!isOver) await insertOrders();
    }
    await kills;
    await waitFor(
      "all invoices to be sent",
      async () =>
        await orders.countDocuments({ status: "processed" }) === count &&
        await invoices.countDocuments({ status: { $ne: "processed" } }) === 0,
    );

    const made = await invoices.find().sort({ order: 1 }).toArray();
    assertEquals(made.map(({ order, total }) => [order, total]), upTo(count).map((n) => [n, totalOf(n)]));
    assertEquals(
      service.lines.toSorted(),
      upTo(count).map((n) => `Sent the invoice of order ${n} over ${totalOf(n)}`).toSorted(),
    );
  },
});

import { assert, assertEquals } from "@std/assert";
import { PermanentError } from "../../agent/errors.ts";
import type { DocumentStore, LeasedDocument } from "../../agent/ports.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { jobs, letters, openStore, type TestStore } from "../support/store.ts";
import { shuffled, testRandom } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";

const LEASE_MS = 1000;
const MAX_ATTEMPTS = 3;
const PER_KIND = 150;

/** What the handlers make of a document, by the word in it. */
const KINDS = ["good", "flaky", "hopeless", "permanent", "sleepy"] as const;
/** How often a sleepy document is put off. */
const SNOOZES = 2;

/** A store that stops answering when its agent is killed: no write of a dead process arrives. */
class MortalStore implements DocumentStore {
  #isDead = false;
  readonly #store: TestStore;

  constructor(store: TestStore) {
    this.#store = store;
  }

  kill(): void {
    this.#isDead = true;
  }

  onClaimed = (_ids: unknown[]) => {};
  onSettled = (_ids: unknown[]) => {};

  claim: DocumentStore["claim"] = async (limit) => {
    const claim = await this.#alive(() => this.#store.claim(limit));
    this.onClaimed(claim.documents.map(({ id }) => id));
    return claim;
  };
  claimSuspect: DocumentStore["claimSuspect"] = async () => {
    const claim = await this.#alive(() => this.#store.claimSuspect());
    if (claim.documents.length > 0) this.onClaimed(claim.documents.map(({ id }) => id));
    return claim;
  };
  leftAlone: DocumentStore["leftAlone"] = (moment) => this.#alive(() => this.#store.leftAlone(moment));
  markRunningAlone: DocumentStore["markRunningAlone"] = (document) =>
    this.#alive(() => this.#store.markRunningAlone(document));
  recover: DocumentStore["recover"] = () => this.#alive(() => this.#store.recover());
  renew: DocumentStore["renew"] = (documents) => this.#alive(() => this.#store.renew(documents));
  canceled: DocumentStore["canceled"] = (documents) => this.#alive(() => this.#store.canceled(documents));
  ack: DocumentStore["ack"] = (acks) =>
    this.#settle(acks.map((each) => each.document), (store) => store.ack(acks));
  ackWithWrites: DocumentStore["ackWithWrites"] = (acks) =>
    this.#settle(acks.map((each) => each.document), (store) => store.ackWithWrites(acks));
  nack: DocumentStore["nack"] = (nacks) =>
    this.#settle(nacks.map((each) => each.document), (store) => store.nack(nacks));
  release: DocumentStore["release"] = (documents) =>
    this.#settle(documents, (store) => store.release(documents));
  snooze: DocumentStore["snooze"] = (snoozes) =>
    this.#settle(snoozes.map((each) => each.document), (store) => store.snooze(snoozes));
  deadLetter: DocumentStore["deadLetter"] = (document, error) =>
    this.#settle([document], (store) => store.deadLetter(document, error));
  finishVerdict: DocumentStore["finishVerdict"] = (document) =>
    this.#settle([document], (store) => store.finishVerdict(document));
  exclude: DocumentStore["exclude"] = (document, error) => this.#store.exclude(document, error);
  isTransient: DocumentStore["isTransient"] = () => true;
  isDoubtful: DocumentStore["isDoubtful"] = () => false;
  isForbidden: DocumentStore["isForbidden"] = () => false;

  async #settle<T>(
    documents: readonly LeasedDocument[],
    write: (store: TestStore) => Promise<T>,
  ): Promise<T> {
    const settlement = await this.#alive(() => write(this.#store));
    this.onSettled(documents.map(({ id }) => id));
    return settlement;
  }

  /** A write under way when the agent is killed may still be applied, but no agent learns of it. */
  async #alive<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Error("The process is dead");
    const result = await operation();
    if (this.#isDead) throw new Error("The process is dead");
    return result;
  }
}

/** How often each document ran, and how often it was held by an agent when that was killed. */
type Runs = Map<string, { runs: number; killed: number }>;

/** One agent after another in the same place; what was running when one was killed is remembered. */
class Pod implements AsyncDisposable {
  readonly #database: TestDatabase;
  readonly #runs: Runs;
  readonly #random: () => number;
  readonly #store: TestStore;
  #current!: { agent: InProcessAgent; store: MortalStore; held: Set<string>; isAlive: boolean };
  readonly #dead: InProcessAgent[] = [];

  constructor(database: TestDatabase, runs: Runs, random: () => number) {
    this.#database = database;
    this.#runs = runs;
    this.#random = random;
    this.#store = openStore(database, { leaseMs: LEASE_MS });
    this.start();
  }

  start(): void {
    const store = new MortalStore(this.#store);
    const held = new Set<string>();
    store.onClaimed = (ids) => ids.forEach((id) => held.add(id as string));
    store.onSettled = (ids) => ids.forEach((id) => held.delete(id as string));
    const life = { store, held, isAlive: true, agent: undefined as unknown as InProcessAgent };
    life.agent = new InProcessAgent(store, async ({ _id, kind }, { attempt, snoozes }) => {
      if (!life.isAlive) return new Promise(() => {});
      const entry = this.#runs.get(_id) ?? { runs: 0, killed: 0 };
      this.#runs.set(_id, { ...entry, runs: entry.runs + 1 });
      await new Promise((resolve) => setTimeout(resolve, this.#random() * 5));
      if (kind === "sleepy" && snoozes < SNOOZES) return { snoozeMs: this.#random() * 20 };
      if (kind === "permanent") throw new PermanentError("for good");
      if (kind === "hopeless" || (kind === "flaky" && attempt < MAX_ATTEMPTS)) throw new Error("not now");
    }, { leaseMs: LEASE_MS, maxAttempts: MAX_ATTEMPTS, batchSize: 20, concurrency: 8 });
    this.#current = life;
  }

  /** Ends the agent without a word, as SIGKILL would, and starts another. */
  kill(): void {
    const { agent, store, held } = this.#current;
    store.kill();
    this.#current.isAlive = false;
    for (const id of held) {
      const entry = this.#runs.get(id) ?? { runs: 0, killed: 0 };
      this.#runs.set(id, { ...entry, killed: entry.killed + 1 });
    }
    this.#dead.push(agent);
    agent.agent.force("killed");
    this.start();
  }

  get agent(): InProcessAgent {
    return this.#current.agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current.agent.drain();
    await Promise.all(this.#dead.map(({ stopped }) => stopped));
    await this.#store.close();
  }
}

Deno.test("Chaos: for any process that is killed, every document ends as its kind demands, and only what a killed agent held is repeated", async () => {
  await using database = await testDatabase("chaos");
  const documents = KINDS.flatMap((kind) =>
    Array.from({ length: PER_KIND }, (_, index) => ({ _id: `${kind}-${index}`, kind, status: "pending" }))
  );
  const random = testRandom();
  await jobs(database).insertMany(shuffled(random, documents));
  const runs: Runs = new Map();
  {
    await using stack = new AsyncDisposableStack();
    const pods = Array.from({ length: 4 }, () => stack.use(new Pod(database, runs, random)));
    const settled = () => jobs(database).countDocuments({ status: { $in: ["processed", "failed"] } });
    // A kill for each tenth of the work, of one pod after another.
    for (let kills = 0; kills < 9; kills++) {
      await waitFor("the work to go on", async () => await settled() >= documents.length * kills / 12);
      pods[kills % 4]!.kill();
    }
    await waitFor("all to be settled", async () => await settled() === documents.length);
  }

  const stored = await jobs(database).find().toArray();
  assertEquals(stored.length, documents.length);
  for (const { _id, kind, status, _pull } of stored) {
    const { runs: count, killed } = runs.get(_id)!;
    const [expectedStatus, expectedRuns] = ({
      good: ["processed", 1],
      flaky: ["processed", MAX_ATTEMPTS],
      hopeless: ["failed", MAX_ATTEMPTS],
      permanent: ["failed", 1],
      sleepy: ["processed", SNOOZES + 1],
    } as const)[kind as typeof KINDS[number]];
    assertEquals([_id, status], [_id, expectedStatus]);
    assert(count >= expectedRuns, `${_id} ran ${count} times`);
    assert(
      count <= expectedRuns + killed,
      `${_id} ran ${count} times, and ${killed} of its holders were killed`,
    );
    // Neither a snooze nor a kill is an attempt, but for a kill of a suspect that was alone.
    if (kind === "sleepy") assert(_pull.attempts <= Math.max(1, killed - 1), `${_id} has ${_pull.attempts}`);
    assert(_pull.attempts <= MAX_ATTEMPTS, `${_id} has ${_pull.attempts} attempts`);
    assertEquals(_pull.token, undefined);
  }
  const failed = stored.filter(({ status }) => status === "failed");
  const inLetters = await letters(database).find().toArray();
  assertEquals(inLetters.map(({ _id }) => _id).sort(), failed.map(({ _id }) => _id).sort());
  const deadAt = new Map(failed.map(({ _id, _pull }) => [_id, _pull.dead_at]));
  for (const letter of inLetters) assertEquals(letter.dead_at, deadAt.get(letter._id), letter._id);
});

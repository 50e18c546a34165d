import { EJSON } from "bson";
import { Breaches, type Verdict } from "./breaches.ts";
import { Leases } from "./leases.ts";
import { Letters } from "./letters.ts";
import { updated, type Write } from "./oplog.ts";
import { Ranges } from "./ranges.ts";
import type { Run } from "./run_log.ts";
import { stateOf, type Step } from "./steps.ts";
import type { Story } from "./story.ts";
import type { Terms } from "./terms.ts";
import type { Disturbances } from "./told.ts";

/** A processed document is forgotten after this long: until then a run of it may still be found, in milliseconds. */
const REMEMBERED_MS = 30_000;

/**
 * Judges a run by the rules of docs/protocol.md, entry by entry of the server's oplog. It remembers the documents that are
 * open, and those with dead letters: so it needs memory for these, however long the run is.
 */
export class Judge {
  readonly #terms: Terms;
  readonly #disturbances: Disturbances;
  readonly #breaches = new Breaches();
  readonly #leases: Leases;
  readonly #letters: Letters;
  readonly #ranges: Ranges;
  readonly #stories = new Map<string, Story>();
  readonly #source: string;
  /** Runs of documents that are not known yet: they are read ahead of the oplog. */
  readonly #early = new Map<string, Run[]>();
  #inserted = 0;
  /** Processed documents, in the order in which they were. */
  readonly #done = new Map<string, number>();

  constructor(terms: Terms, disturbances: Disturbances) {
    this.#terms = terms;
    this.#disturbances = disturbances;
    this.#source = `${terms.database}.${terms.collection}`;
    this.#leases = new Leases(terms, disturbances, this.#breaches);
    this.#letters = new Letters(terms, this.#breaches);
    this.#ranges = new Ranges(terms, this.#breaches);
  }

  /** Runs of handlers; they come before the writes that were made after them. */
  runs(begun: readonly Run[]): void {
    for (const run of begun) {
      this.#breaches.count("runs of handlers");
      const story = this.#stories.get(run.key);
      if (story) story.runs.push(run);
      else this.#early.set(run.key, [...this.#early.get(run.key) ?? [], run]);
    }
  }

  /** The writes of one entry, or of one transaction. */
  writes(writes: readonly Write[]): void {
    const acked = new Map<string, Story>();
    for (const write of writes) {
      if (write.namespace === this.#source) {
        const key = this.#keyOf(write.id);
        if (this.#document(key, write) === "ack") acked.set(key, this.#stories.get(key)!);
      } else if (write.namespace === `${this.#terms.database}.${this.#terms.letters}`) {
        const key = this.#keyOf(write.id);
        this.#letters.write(key, write, this.#stories.get(key));
      } else if (this.#ranges.has(write)) this.#ranges.write(write);
    }
    this.#effects(writes, acked);
    this.#forget(writes.at(-1)!.wall);
  }

  /** All is told: what is missing now is lost. */
  end(): Verdict {
    for (const run of [...this.#early.values()].flat()) this.#leases.orphan(run, undefined);
    for (const story of this.#stories.values()) {
      const { state: { status, _pull } } = story;
      this.#breaches.count(`documents ${status}`);
      for (const run of story.runs) this.#leases.orphan(run, story);
      if (status === "failed") this.#letters.mustStand(story);
      else if (status !== "processed" && status !== "canceled") {
        this.#breaches.add(
          "none is lost",
          story,
          `it is ${status} at the end${_pull?.token ? ", under a lease" : ""}`,
        );
      }
    }
    this.#letters.stale(this.#stories, this.#disturbances.any);
    if (this.#inserted === 0) {
      const nothing = { key: this.#source, entries: [] };
      this.#breaches.add("none is lost", nothing, "no document was inserted while the oplog was recorded");
    }
    return this.#breaches.verdict();
  }

  #document(key: string, write: Write): Step | undefined {
    const { kind, o } = write;
    if (kind === "insert") {
      this.#breaches.count("documents inserted");
      this.#inserted += 1;
      const isKnown = this.#stories.has(key);
      const story: Story = {
        key,
        state: stateOf(o),
        runs: this.#takeEarly(key),
        verdicts: [],
        entries: [write],
        lease: undefined,
      };
      this.#stories.set(key, story);
      const leftOver = Object.keys(o._pull ?? {}).some((name) => name !== "visible_at");
      if (o.status !== "pending" || leftOver || isKnown) {
        const how = isKnown ? "again" : leftOver ? "with bookkeeping" : `as ${o.status}`;
        this.#breaches.add("legal transitions", story, `it is inserted ${how}`);
      }
      return undefined;
    }
    const story = this.#stories.get(key) ?? { ...FORGOTTEN, key, runs: this.#takeEarly(key), verdicts: [] };
    this.#stories.set(key, story);
    story.entries = [...story.entries.slice(-7), write];
    if (kind === "delete") {
      this.#breaches.add("legal transitions", story, "it is deleted");
      this.#stories.delete(key);
      return undefined;
    }
    const before = story.state;
    const after = stateOf(updated(before, o));
    const step = this.#leases.judge(story, after, write, this.#ranges.holderOf(write.id));
    story.state = after;
    if (step === "failed" || step === "referred") this.#letters.mustStand(story);
    this.#done.delete(key);
    if (after.status === "processed" || after.status === "canceled") this.#done.set(key, write.wall);
    return step;
  }

  /** The writes that processors ask for are in the transaction of their document's ack, and nowhere else. */
  #effects(writes: readonly Write[], acked: ReadonlyMap<string, Story>): void {
    for (const { collection, every, of } of this.#terms.effects ?? []) {
      const made = writes.filter(({ namespace }) => namespace === `${this.#terms.database}.${collection}`);
      if (made.length === 0 && !every) continue;
      const owners = new Map<string, number>();
      for (const write of made) {
        this.#breaches.count("writes of processors");
        const owner = write.kind === "insert" ? this.#keyOf(write.o[of]) : undefined;
        if (owner !== undefined) owners.set(owner, (owners.get(owner) ?? 0) + 1);
        const isFenced = write.transaction !== undefined &&
          (owner === undefined ? acked.size > 0 : acked.has(owner));
        if (!isFenced) {
          this.#breaches.add(
            "writes go with the ack",
            { key: owner ?? "?", entries: [write] },
            "a write without its ack",
          );
        }
      }
      for (const [key, story] of acked) {
        const count = owners.get(key) ?? 0;
        if (count > 1) {
          this.#breaches.add("writes go with the ack", story, `its write is made ${count} times`);
        }
        if (every && count === 0) {
          this.#breaches.add("writes go with the ack", story, "it is acked without its write");
        }
      }
    }
  }

  #takeEarly(key: string): Run[] {
    const runs = this.#early.get(key) ?? [];
    this.#early.delete(key);
    return runs;
  }

  #forget(wall: number): void {
    for (const [key, runs] of this.#early) {
      if (wall - runs[0]!.beganMs < REMEMBERED_MS) break;
      for (const run of this.#takeEarly(key)) this.#leases.orphan(run, undefined);
    }
    for (const [key, at] of this.#done) {
      if (wall - at < REMEMBERED_MS) return;
      const story = this.#stories.get(key)!;
      this.#done.delete(key);
      if (story.verdicts.length > 0) continue;
      this.#breaches.count(`documents ${story.state.status}`);
      this.#stories.delete(key);
      // A later run may be one after a requeue.
      const isLate = ({ beganMs }: Run) => wall - beganMs < REMEMBERED_MS;
      for (const run of story.runs.filter((each) => !isLate(each))) this.#leases.orphan(run, story);
      const late = story.runs.filter(isLate);
      if (late.length > 0) this.#early.set(key, late);
    }
  }

  #keyOf(id: unknown): string {
    return `${this.#source}:${EJSON.stringify(id, { relaxed: false })}`;
  }
}

/** What is not remembered was processed or canceled. */
const FORGOTTEN = { state: { status: "processed" }, entries: [], lease: undefined };

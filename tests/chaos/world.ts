/**
 * What a row of the chaos may disturb, and what it has disturbed.
 *
 * @module
 */

import type { Collection } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { Cut } from "../../scripts/soak_check.ts";
import { pick } from "../support/random.ts";
import { waitFor } from "../support/wait.ts";
import type { Witness } from "../witness/witness.ts";
import type { Job } from "./producer.ts";
import type { ReplicaSet } from "./replica_set.ts";
import type { Replica, Replicas } from "./replicas.ts";

/** The lease of all agents, in milliseconds. */
export const LEASE_MS = 4000;
/** What outlasts a lease. */
export const LONGER_THAN_LEASE_MS = 6000;

/** What a {@linkcode World} is made of. */
export interface WorldParts {
  readonly set: ReplicaSet;
  readonly replicas: Replicas;
  readonly documents: Collection<Job>;
  readonly witness: Witness;
  readonly random: () => number;
  /** A directory of the row's own. */
  readonly dir: string;
  /** The disturbances end then, by the clock of `performance`. */
  readonly endMs: number;
}

/** The servers, the agents and their documents, during one row. */
export class World {
  readonly set: ReplicaSet;
  readonly replicas: Replicas;
  readonly documents: Collection<Job>;
  readonly witness: Witness;
  readonly random: () => number;
  readonly dir: string;
  readonly endMs: number;
  /** Times in which agents were cut off. */
  readonly cuts: Cut[] = [];
  /** When each disturbance was over, in milliseconds since 1970. */
  readonly ends: number[] = [];
  /** Disturbances that had no effect: what a row does has to be seen, or it proves nothing. */
  readonly inVain: string[] = [];
  /** How often something was done. */
  times = 0;

  constructor({ dir, documents, endMs, random, replicas, set, witness }: WorldParts) {
    this.set = set;
    this.replicas = replicas;
    this.documents = documents;
    this.random = random;
    this.dir = dir;
    this.endMs = endMs;
    this.witness = witness;
  }

  get isOver(): boolean {
    return performance.now() >= this.endMs;
  }

  /** One of the agents. */
  anyReplica(): Replica {
    return pick(this.random, this.replicas.all);
  }

  /** One of the agents that hold a document or a range just now: waits until there is one. */
  async busyReplica(): Promise<Replica> {
    return await waitFor("an agent that holds a document", async () => {
      const held = await this.documents.aggregate([
        { $match: { status: "processing" } },
        { $project: { owner: "$_pull.owner" } },
        {
          $unionWith: {
            coll: `${this.documents.collectionName}_agents`,
            pipeline: [
              { $match: { _id: "ranges" } },
              { $unwind: "$ranges" },
              { $project: { owner: "$ranges.owner" } },
            ],
          },
        },
      ]).toArray();
      const owners = new Set(held.map(({ owner }) => owner));
      const busy = this.replicas.all.filter(({ name }) => owners.has(name));
      return busy.length > 0 ? pick(this.random, busy) : undefined;
    }, { timeoutMs: 60_000 });
  }

  /** Waits, but not beyond the end of the row. */
  async pause(ms: number): Promise<void> {
    await sleep(systemClock, Math.max(0, Math.min(ms, this.endMs - performance.now())));
  }

  /** Waits for as long as a disturbance lasts, also beyond the end of the row. */
  async last(ms: number): Promise<void> {
    await sleep(systemClock, ms);
  }

  /** Notes that a disturbance is over from which no agent needs an excuse, or one that was noted already. */
  over(): void {
    this.times += 1;
    this.ends.push(Date.now());
  }

  /** Notes what was to be seen of a disturbance, if it was not. */
  expect(what: string, isSeen: boolean): void {
    if (!isSeen) this.inVain.push(`expected that ${what}`);
  }

  /**
   * Does what cuts agents off, and notes for how long: what they held may run again. Without `cut` it means all agents. If
   * `work` returns a number, so many things were done.
   */
  async cutOff(work: () => Promise<number | void>, cut?: readonly Replica[]): Promise<void> {
    const noted: Cut = {
      fromMs: Date.now(),
      toMs: Infinity,
      ...(cut && { pids: cut.map(({ pid }) => pid) }),
    };
    this.cuts.push(noted);
    const names = cut?.map(({ name }) => name) ?? ["*"];
    const mended = names.map((name) => this.witness.cutOff(name));
    try {
      this.times += await work() ?? 1;
    } finally {
      noted.toMs = Date.now();
      for (const tell of mended) tell();
      this.ends.push(noted.toMs);
    }
  }
}

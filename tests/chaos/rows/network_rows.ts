/**
 * Rows that disturb what is between agents and members.
 *
 * @module
 */

import { MongoClient } from "mongodb";
import { systemClock } from "../../../agent/lib/clock.ts";
import { sleep } from "../../../agent/lib/deadline.ts";
import { pick } from "../../support/random.ts";
import type { Silence } from "../member_link.ts";
import { MAX_CONNECTIONS, type Member, OWN_APP } from "../replica_set.ts";
import { IS_AGENT, isOf } from "../replicas.ts";
import { type Row, USUAL } from "../row.ts";
import { LONGER_THAN_LEASE_MS, type World } from "../world.ts";

const CALM_MS = 4000;
/** A connection is cut every so often. */
const CUT_MS = 100;
/** A share of the commands that fail. */
const FAILING = 0.05;
/** The commands of agents; producers insert. */
const COMMANDS = ["find", "update", "aggregate", "getMore", "findAndModify"];
/** A member that has no connection left says so within this time. */
const REFUSED_MS = 1000;
const MAX_TURNS = 5;
/** Between one way to fail and another. */
const ANOTHER_MS = 1000;
/** Errors of a server that restarts, steps down or loses its network; all of them are labelled. */
const PASSING_CODES = [91, 189, 11600, 11602, 10107, 13435, 6, 7, 89, 9001];

/** Lets nothing pass for longer than a lease. */
async function keepSilent(world: World, silences: readonly Silence[]): Promise<void> {
  try {
    await world.last(LONGER_THAN_LEASE_MS);
    world.expect("a partition holds something back", silences.some(({ held }) => held > 0));
  } finally {
    for (const silence of silences) silence[Symbol.dispose]();
  }
}

/** The primary and the other members do not reach each other. */
function betweenMembers({ members }: World["set"], primary: Member): Silence[] {
  return members.map((member) =>
    member === primary
      ? member.link.silence((peer) => "port" in peer && !primary.isPeer(peer))
      : member.link.silence(primary.isPeer)
  );
}

/** All that a primary may be cut off from, by turns. */
const PARTITIONS: readonly ((world: World, primary: Member) => Silence[])[] = [
  ({ set }, primary) => betweenMembers(set, primary),
  (_, primary) => [primary.link.silence(IS_AGENT)],
  ({ set }, primary) => [...betweenMembers(set, primary), primary.link.silence(IS_AGENT)],
];

export const NETWORK_ROWS: readonly Row[] = [
  {
    ...USUAL,
    name: "partition-primary",
    what:
      "The primary is partitioned for longer than a lease: from the other members while agents reach it, from the agents, from all",
    async disturb(world) {
      for (let turn = 0; !world.isOver; turn++, await world.pause(CALM_MS)) {
        const primary = await world.set.primary();
        await world.cutOff(async () => {
          await keepSilent(world, PARTITIONS[turn % PARTITIONS.length]!(world, primary));
          await world.set.untilHealthy();
        });
      }
    },
  },
  {
    ...USUAL,
    name: "partition-agents",
    what: "An agent is partitioned from all members for longer than a lease; its writes arrive after that",
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        const replica = await world.busyReplica();
        await world.cutOff(async () => {
          await keepSilent(world, world.set.members.map(({ link }) => link.silence(isOf(replica))));
        }, [replica]);
      }
    },
  },
  {
    ...USUAL,
    name: "cut-connections",
    what: "Ten connections of agents per second are cut, also between a write and its answer",
    async disturb(world) {
      await world.cutOff(async () => {
        let cut = 0;
        for (; !world.isOver; await world.pause(CUT_MS)) {
          const links = world.set.members.flatMap(({ link }) => link.linksOf(IS_AGENT));
          if (links.length === 0) continue;
          pick(world.random, links).close();
          cut += 1;
        }
        return cut;
      });
    },
  },
  {
    ...USUAL,
    name: "failing-commands",
    what:
      "One command in twenty fails (`failCommand`): its connection is closed, or the error is one of ten with a retry label",
    async disturb(world) {
      await world.cutOff(async () => {
        let failed = 0;
        for (; !world.isOver; await world.pause(ANOTHER_MS)) {
          const how = pick(world.random, [
            { closeConnection: true },
            { errorCode: pick(world.random, PASSING_CODES), errorLabels: ["RetryableWriteError"] },
          ]);
          const data = { failCommands: COMMANDS, ...how };
          failed += await world.set.failCommands({ activationProbability: FAILING }, data);
        }
        return failed + await world.set.failCommands("off");
      });
    },
  },
  {
    ...USUAL,
    name: "no-connections",
    what: "Idle clients hold all connections that the primary takes, and those of the agents are cut",
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        const { link, server } = await world.set.primary();
        await world.cutOff(async () => {
          await using crowd = new Crowd(server.port);
          await crowd.fill();
          link.cut(IS_AGENT);
          world.expect("the primary takes no connection any more", await crowd.fillAgain());
          await world.last(LONGER_THAN_LEASE_MS);
        });
      }
    },
  },
];

/** Connections to a member that do nothing. */
class Crowd implements AsyncDisposable {
  readonly #port: number;
  readonly #connections: Deno.TcpConn[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Opens as many as the member may take; it closes those beyond that. */
  async fill(): Promise<void> {
    for (let count = 0; count < MAX_CONNECTIONS; count++) {
      this.#connections.push(await Deno.connect({ hostname: "127.0.0.1", port: this.#port }));
    }
  }

  /** The same until one more is refused: the member notices only by and by which of the others are closed. */
  async fillAgain(): Promise<boolean> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      await this.fill();
      if (await this.#isRefused()) return true;
    }
    return false;
  }

  async #isRefused(): Promise<boolean> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    const answer = connection.read(new Uint8Array(1)).catch(() => null);
    return await Promise.race([answer, sleep(systemClock, REFUSED_MS)]) === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await using client = new MongoClient(`mongodb://127.0.0.1:${this.#port}/?directConnection=true`, {
      appName: OWN_APP,
    });
    await client.db("admin").command({ ping: 1 });
  }
}

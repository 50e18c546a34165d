/**
 * Rows that disturb what is between agents and members.
 *
 * @module
 */

import { MongoClient } from "mongodb";
import { pick } from "../../support/random.ts";
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
/** Between one way to fail and another. */
const ANOTHER_MS = 1000;
/** Errors of a server that restarts, steps down or loses its network; all of them are labelled. */
const PASSING_CODES = [91, 189, 11600, 11602, 10107, 13435, 6, 7, 89, 9001];

/** Lets nothing pass while `work` runs. */
async function whileSilent(silences: readonly Disposable[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    for (const silence of silences) silence[Symbol.dispose]();
  }
}

/** The primary and the other members do not reach each other. */
function betweenMembers({ members }: World["set"], primary: Member): Disposable[] {
  return members.map((member) =>
    member === primary
      ? member.link.silence((peer) => "port" in peer && !primary.isPeer(peer))
      : member.link.silence(primary.isPeer)
  );
}

/** All that a primary may be cut off from, by turns. */
const PARTITIONS: readonly ((world: World, primary: Member) => Disposable[])[] = [
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
          const silences = PARTITIONS[turn % PARTITIONS.length]!(world, primary);
          await whileSilent(silences, () => world.last(LONGER_THAN_LEASE_MS));
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
        const replica = world.anyReplica();
        await world.cutOff(async () => {
          const silences = world.set.members.map(({ link }) => link.silence(isOf(replica)));
          await whileSilent(silences, () => world.last(LONGER_THAN_LEASE_MS));
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
          await crowd.fill();
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await using client = new MongoClient(`mongodb://127.0.0.1:${this.#port}/?directConnection=true`, {
      appName: OWN_APP,
    });
    await client.db("admin").command({ ping: 1 });
  }
}

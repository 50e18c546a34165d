/**
 * Rows that end or stop agents.
 *
 * @module
 */

import { pick } from "../../support/random.ts";
import { replicasWith, type Row, USUAL } from "../row.ts";
import { LONGER_THAN_LEASE_MS, type World } from "../world.ts";

/** An agent ends every so often, in milliseconds. */
const END_MS = 1000;
/** Slots of agents that are to be slow. */
const FEW = 2;
/** As many as agents with a few slots cannot keep up with. */
const TOO_MANY_PER_SECOND = 60;

async function killOne(world: World): Promise<void> {
  await world.replicas.kill(world.anyReplica());
  world.over();
}

async function drainOne(world: World): Promise<void> {
  await world.replicas.drain(world.anyReplica());
  world.over();
}

export const REPLICA_ROWS: readonly Row[] = [
  {
    ...USUAL,
    name: "kill-agents",
    what: "An agent is killed (`kill -9`) every second, and another starts in its place",
    async disturb(world) {
      for (; !world.isOver; await world.pause(END_MS)) await killOne(world);
    },
  },
  {
    ...USUAL,
    name: "freeze-agents",
    what:
      "An agent is frozen (SIGSTOP) for longer than a lease, and goes on with what others have taken over",
    async disturb(world) {
      for (; !world.isOver; await world.pause(END_MS)) {
        const replica = await world.busyReplica();
        await world.cutOff(async () => {
          replica.process.signal("SIGSTOP");
          await world.last(LONGER_THAN_LEASE_MS);
          replica.process.signal("SIGCONT");
        }, [replica]);
      }
    },
  },
  {
    ...USUAL,
    name: "block-event-loop",
    what: "A handler computes for longer than a lease, so that its agent can do nothing else",
    blocksLoop: true,
    places: () => replicasWith(() => ({ env: { SPIN_MS: String(LONGER_THAN_LEASE_MS) } })),
    async disturb(world) {
      await world.pause(Infinity);
    },
  },
  {
    ...USUAL,
    name: "sigterm-backlog",
    what:
      "An agent is asked to end (SIGTERM) every second, while more documents are inserted than all can process",
    perSecond: TOO_MANY_PER_SECOND,
    places: () => replicasWith(() => ({ env: { CONCURRENCY: String(FEW) } })),
    async disturb(world) {
      for (; !world.isOver; await world.pause(END_MS)) await drainOne(world);
      // What agents hold ahead waits as well.
      const open = await world.documents.countDocuments({ status: { $in: ["pending", "processing"] } });
      world.expect("more documents wait than run", open > 2 * FEW * world.replicas.all.length);
    },
  },
  {
    ...USUAL,
    name: "version-before",
    what: "Agents of the version before run beside the new ones; both are killed and asked to end",
    places: ({ before }) => replicasWith((place) => place % 2 === 0 ? {} : { binary: before! }),
    missing: ({ before }) =>
      Promise.resolve(
        before === undefined ? "a release before this one: name a commit, --before COMMIT" : undefined,
      ),
    async disturb(world) {
      for (; !world.isOver; await world.pause(END_MS)) {
        await pick(world.random, [killOne, drainOne])(world);
      }
    },
  },
];

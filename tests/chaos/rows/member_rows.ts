/**
 * Rows that end, stop or move members of the replica set.
 *
 * @module
 */

import { waitFor } from "../../support/wait.ts";
import type { Member } from "../replica_set.ts";
import { type Row, USUAL } from "../row.ts";
import { LONGER_THAN_LEASE_MS, type World } from "../world.ts";

/** What a set may take to elect another primary, in milliseconds. */
const ELECTION_MS = 4000;
/** Between two disturbances. */
const CALM_MS = 4000;
const STEP_DOWN_MS = 10_000;
/** How long a primary is frozen, by turns: longer than a lease, and so long that the drivers' monitors give it up. */
const FROZEN_MS = [LONGER_THAN_LEASE_MS, 20_000];

/** Has a member away while `work` runs; then it is in order again. */
async function whileFrozen(members: readonly Member[], work: () => Promise<void>): Promise<void> {
  for (const { server } of members) server.freeze();
  try {
    await work();
  } finally {
    for (const { server } of members) server.thaw();
  }
}

/** A primary may fail to get the lock that it needs for this. */
async function stepDown({ set }: World): Promise<void> {
  await waitFor("the primary to step down", async () => {
    await using direct = (await set.primary()).client();
    return await direct.db("admin").command({
      replSetStepDown: 5,
      secondaryCatchUpPeriodSecs: 2,
      force: true,
    });
  });
}

async function restart(world: World, member: Member): Promise<void> {
  await world.cutOff(async () => {
    await member.server.restart();
    await world.set.untilHealthy();
  });
}

export const MEMBER_ROWS: readonly Row[] = [
  {
    ...USUAL,
    name: "kill-primary",
    what: "The primary is killed (`kill -9`), and starts again after another has been elected",
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        const { server } = await world.set.primary();
        await world.cutOff(async () => {
          await server.kill();
          await world.last(ELECTION_MS);
          await world.set.primary();
        });
        await server.start();
        await world.set.untilHealthy();
      }
    },
  },
  {
    ...USUAL,
    name: "freeze-primary",
    what: "The primary is frozen (SIGSTOP) for 6 s or 20 s: it answers nothing, and connections stay open",
    async disturb(world) {
      for (let turn = 0; !world.isOver; turn++, await world.pause(CALM_MS)) {
        const primary = await world.set.primary();
        await world.cutOff(async () => {
          await whileFrozen([primary], () => world.last(FROZEN_MS[turn % FROZEN_MS.length]!));
          await world.set.untilHealthy();
        });
      }
    },
  },
  {
    ...USUAL,
    name: "no-majority",
    what:
      "Both secondaries are frozen for longer than a lease: no majority acknowledges what the primary took",
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        const secondaries = await world.set.secondaries();
        await world.cutOff(async () => {
          await whileFrozen(secondaries, () => world.last(LONGER_THAN_LEASE_MS));
          await world.set.untilHealthy();
        });
      }
    },
  },
  {
    ...USUAL,
    name: "step-down",
    what: "The primary steps down every ten seconds",
    async disturb(world) {
      for (; !world.isOver; await world.pause(STEP_DOWN_MS)) {
        await world.cutOff(async () => {
          await stepDown(world);
          await world.set.primary();
        });
      }
      await world.set.untilHealthy();
    },
  },
  {
    ...USUAL,
    name: "rolling-restart",
    what: "All members are restarted one after the other, the primary last",
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        for (const member of [...await world.set.secondaries(), await world.set.primary()]) {
          await restart(world, member);
        }
      }
    },
  },
];

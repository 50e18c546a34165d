/**
 * Rows that disturb the machine of agents, its disk and its clock, and what else uses the database.
 *
 * @module
 */

import { isMissing, MOUNT_NAMESPACE } from "../../support/optional.ts";
import type { LogEntry } from "../../support/agent_process.ts";
import { clockFrom } from "../clock_library.ts";
import type { Replica } from "../replicas.ts";
import { replicasWith, type Row, USUAL } from "../row.ts";
import { LONGER_THAN_LEASE_MS, type World } from "../world.ts";

const CALM_MS = 3000;
const HALF_AN_HOUR_MS = 1_800_000;
const READERS = 4;
/** Between two reads of the whole collection. */
const READ_MS = 50;

/** The clocks of three agents; the fourth has the machine's. The last of these jumps to the others and back. */
const CLOCKS = ["+1h", "-1h", "+0"];
const JUMPING = CLOCKS.length - 1;

/** Starts the last of the arguments with a file system of 64 KiB at the first. */
const SMALL_DISK = [
  ...["unshare", "--mount", "sh", "-c"],
  'mkdir -p "$1" && mount -t tmpfs -o size=64k none "$1" && exec "$2"',
  "sh",
];

/** Returns whether it succeeds. */
async function shell(script: string, argument: string): Promise<boolean> {
  const args = ["-c", script, "sh", argument];
  const { success } = await new Deno.Command("sh", { args, stdout: "null", stderr: "null" }).output();
  return success;
}

/** Takes all that is left of the disk; returns whether it is the small one, and is full. */
async function fill({ healthDir }: Replica): Promise<boolean> {
  const script = '! cat /dev/zero > "$1/other" && test -s "$1/other" && test "$(stat -f -c %T "$1")" = tmpfs';
  return await shell(script, healthDir);
}

async function empty({ healthDir }: Replica): Promise<void> {
  await shell('rm "$1/other"', healthDir);
}

/** Whether the last line of a log was written by another clock than this one. */
function isOtherTime(entries: readonly LogEntry[]): boolean {
  const { time } = entries.at(-1)!;
  return Math.abs(Date.parse(String(time)) - Date.now()) > HALF_AN_HOUR_MS;
}

function clockFile(dir: string, place: number): string {
  return `${dir}/clock-${place}`;
}

/** Reads everything, sorted and grouped, as reports do. */
async function analyse(world: World): Promise<void> {
  for (; !world.isOver; await world.pause(READ_MS)) {
    await world.documents.aggregate([
      { $sort: { kind: 1, at: -1 } },
      {
        $group: {
          _id: { kind: "$kind", status: "$status" },
          all: { $push: "$$ROOT" },
          last: { $last: "$at" },
        },
      },
      { $project: { count: { $size: "$all" }, last: 1 } },
    ], { allowDiskUse: true }).toArray();
    world.over();
  }
}

export const MACHINE_ROWS: readonly Row[] = [
  {
    ...USUAL,
    name: "full-disk",
    what: "The disk of all health directories is full, again and again",
    places: () => replicasWith(() => ({ wrapper: SMALL_DISK })),
    missing: async () => await isMissing(MOUNT_NAMESPACE) ? MOUNT_NAMESPACE.install : undefined,
    async disturb(world) {
      for (; !world.isOver; await world.pause(CALM_MS)) {
        const areFull = await Promise.all(world.replicas.all.map(fill));
        world.expect("the disks of all health directories are full", !areFull.includes(false));
        await world.last(LONGER_THAN_LEASE_MS);
        await Promise.all(world.replicas.all.map(empty));
        world.over();
      }
    },
  },
  {
    ...USUAL,
    name: "clocks",
    what: "The clock of one agent is an hour ahead, of one an hour behind, and of one it jumps between these",
    places: ({ clockLibrary, dir }) =>
      replicasWith((place) => {
        const offset = CLOCKS[place];
        if (offset === undefined) return {};
        Deno.writeTextFileSync(clockFile(dir, place), offset);
        return { env: clockFrom(clockFile(dir, place), clockLibrary!) };
      }),
    missing: ({ clockLibrary }) =>
      Promise.resolve(clockLibrary === undefined ? "libfaketime: run sh scripts/ci_tools.sh" : undefined),
    async disturb(world) {
      for (let turn = 0; !world.isOver; turn++, await world.pause(CALM_MS)) {
        await Deno.writeTextFile(clockFile(world.dir, JUMPING), CLOCKS[turn % CLOCKS.length]!);
        world.over();
      }
      const isShifted = world.replicas.all.map(({ process }) => isOtherTime(process.entries));
      world.expect(
        "the log of the first two agents has other times than the machine",
        isShifted[0]! && isShifted[1]!,
      );
    },
  },
  {
    ...USUAL,
    name: "analytics",
    what: "Four readers sort and group the whole collection all the time",
    async disturb(world) {
      await Promise.all(Array.from({ length: READERS }, () => analyse(world)));
    },
  },
];

/**
 * Rows that disturb the machine of agents, its disk and its clock, and what else uses the database.
 *
 * @module
 */

import { isMissing, MOUNT_NAMESPACE } from "../../support/optional.ts";
import { clockFrom } from "../clock_library.ts";
import type { Replica } from "../replicas.ts";
import { replicasWith, type Row, USUAL } from "../row.ts";
import { LONGER_THAN_LEASE_MS, type World } from "../world.ts";

const CALM_MS = 3000;
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

async function shell(script: string, argument: string): Promise<void> {
  await new Deno.Command("sh", { args: ["-c", script, "sh", argument], stdout: "null", stderr: "null" })
    .output();
}

/** Takes all that is left of the disk. */
async function fill({ healthDir }: Replica): Promise<void> {
  await shell('cat /dev/zero > "$1/other"', healthDir);
}

async function empty({ healthDir }: Replica): Promise<void> {
  await shell('rm "$1/other"', healthDir);
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
        await Promise.all(world.replicas.all.map(fill));
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

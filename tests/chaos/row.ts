import type { Place } from "./replicas.ts";
import type { World } from "./world.ts";

/** One way to disturb the agents or the database. */
export interface Row {
  /** For the command line. */
  readonly name: string;
  /** What is done, for the table. */
  readonly what: string;
  /** The agents. */
  places(context: Context): readonly Place[];
  /** Documents that are inserted per second. */
  readonly perSecond: number;
  /** Handlers that take longer than a lease block the event loop, which excuses what their process held. */
  readonly blocksLoop?: boolean;
  /** What it needs and this machine lacks, and how to get that; undefined if there is nothing. */
  missing?(context: Context): Promise<string | undefined>;
  /** Disturbs until the world is over, and leaves everything in order. */
  disturb(world: World): Promise<void>;
}

/** What a row may need besides the world. */
export interface Context {
  /** The executable of the version before. */
  readonly before: string | undefined;
  /** libfaketime. */
  readonly clockLibrary: string | undefined;
  /** A directory of the row's own. */
  readonly dir: string;
}

const REPLICAS = 4;

/** What most rows have: four agents, which can do more than is inserted. */
export const USUAL = { perSecond: 30, places: () => replicasWith(() => ({})) } as const;

/** The four agents, each as `placeOf` has it. */
export function replicasWith(placeOf: (place: number) => Place): Place[] {
  return Array.from({ length: REPLICAS }, (_, place) => placeOf(place));
}

import { byteLength } from "../text/utf8.ts";
import { setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** The longest full name of a collection, with its database and a dot, that a server takes, in bytes. */
export const MAX_NAMESPACE_BYTES = 255;

/** The collection in which the agents of a collection find each other. */
export function fleetCollection(source: string): string {
  return `${source}_agents`;
}

/** Whether the agents of a collection show themselves to each other and to operators. */
export const FLEET_SETTINGS = {
  fleet: setting<"on" | "off">({
    variable: "FLEET",
    parse: parse.choice("on", "off"),
    default: "on",
    doc:
      "`on`: the agent shows itself in the collection `<MONGODB_COLLECTION>_agents`, and `pause --fleet` reaches it. `off`: it does neither.",
  }),
} as const;

/** Names that settings give to collections. */
interface NamedCollections {
  readonly deadLetterCollection?: string | undefined;
  readonly mongodbCollection?: string | undefined;
  readonly mongodbDatabase?: string | undefined;
  readonly writesTo?: readonly string[] | undefined;
}

/** Why the collection of the agents cannot be used, a sentence each: its name is fixed. */
export function fleetObstacles(
  { deadLetterCollection, mongodbCollection: source, mongodbDatabase: database, writesTo }: NamedCollections,
  by: string,
): string[] {
  if (source === undefined) return [];
  const agents = fleetCollection(source);
  const found: string[] = [];
  // Not before it is needed: a run asks once more when its processor's module has been loaded, and may have changed JSON.
  const is = () => `${JSON.stringify(agents)}, in which the agents of ${by} find each other`;
  if (deadLetterCollection === agents) {
    found.push(`DEAD_LETTER_COLLECTION is ${is()}: name another collection`);
  }
  if (writesTo?.includes(agents)) found.push(`WRITES_TO names ${is()}: leave it out`);
  const bytes = byteLength(`${database}.${agents}`);
  if (database !== undefined && bytes > MAX_NAMESPACE_BYTES) {
    found.push(
      `${by} makes a name of ${bytes} bytes for the collection of the agents, and MongoDB takes at most ` +
        `${MAX_NAMESPACE_BYTES}: give MONGODB_COLLECTION a shorter name, or leave ${by.split("=", 1)[0]} out`,
    );
  }
  return found;
}

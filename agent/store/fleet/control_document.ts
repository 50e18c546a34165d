import type { Collection, Document } from "mongodb";
import { UsageError } from "../../errors.ts";
import type { FleetControl } from "../../fleet/fleet_view.ts";
import { UnusableControl } from "../../fleet/unusable_control.ts";
import { validDate } from "../../lib/valid_date.ts";
import { secrets } from "../../text/redact.ts";
import { inOneLine } from "../../text/terminal_text.ts";
import { isDuplicateKey } from "../mongo_errors.ts";

/** The `_id` of the document that holds what the operators want of a fleet, among the entries of its agents. */
export const CONTROL_ID = "control";
/** Marks what the agents keep in the collection: it may hold other documents. */
export const MARK = { registry: "pulling-agent" } as const;
/** Each agent shows these texts in its log and its status: so many UTF-16 units, at most. */
const MOST = { reason: 1000, by: 200 } as const;
/** Each agent shows the id as well, in its entry: one that a user has written may be so long, in UTF-16 units. */
const MOST_ID = 100;

/** What an operator wants of a fleet. */
export interface ControlRequest {
  readonly state: FleetControl["state"];
  readonly by: string;
  readonly reason: string | undefined;
}

/** Writes what the operators want of all agents of a collection: the later of two wins. */
export class ControlDocument {
  readonly #collection: Collection;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  /**
   * Writes a request; returns its id, which agents that have acted on it show. Throws what the driver throws.
   *
   * @throws {UsageError} If a text is too long or says nothing.
   */
  async set({ state, by, reason }: ControlRequest): Promise<string> {
    const id = crypto.randomUUID();
    const texts = {
      by: cleaned("by", "name of who asks for it", by),
      ...(reason !== undefined && { reason: cleaned("reason", "reason", reason) }),
    };
    const write = () =>
      this.#collection.updateOne({ _id: CONTROL_ID as never, ...MARK }, {
        $set: { id, state, ...texts },
        $currentDate: { at: true },
        // The reason of an earlier change is not that of this one.
        ...(reason === undefined && { $unset: { reason: "" } }),
      }, { upsert: true });
    try {
      await write();
    } catch (error) {
      // Two operators have made it at the same time.
      if (!isDuplicateKey(error)) throw error;
      await write();
    }
    return id;
  }
}

/** The request in a document of the registry, which a user may have written by hand. */
export function controlIn({ at, by, id, reason, state }: Document): FleetControl | UnusableControl {
  if (state !== "running" && state !== "paused") {
    return unusable("state", state, 'must be "running" or "paused"');
  }
  if (typeof id !== "string" || id.length > MOST_ID) {
    return unusable(
      "id",
      id,
      `must be a text of at most ${MOST_ID} characters, another one for each request`,
    );
  }
  const time = validDate(at);
  if (time === undefined) return unusable("at", at, "must be a date");
  return {
    id,
    state,
    by: typeof by === "string" ? shown("by", by) : "",
    reason: typeof reason === "string" ? shown("reason", reason) : undefined,
    at: time,
  };
}

/** Tells what a field holds, as far as that is a text: anything else may be of any size. */
function unusable(field: string, value: unknown, must: string): UnusableControl {
  const is = value === undefined
    ? "is missing"
    : typeof value === "string"
    ? `is ${JSON.stringify(inOneLine(secrets.text(value, 40)))}`
    : "is no such value";
  return new UnusableControl(`its ${field} ${is}, and ${must}`);
}

/** A text as each agent shows it, also if no command has written it. */
function shown(key: keyof typeof MOST, text: string): string {
  return inOneLine(secrets.text(text, MOST[key]));
}

/** A text in one line, without secrets. */
function cleaned(key: keyof typeof MOST, what: string, text: string): string {
  const most = MOST[key];
  if (text.length > most) {
    throw new UsageError(`The ${what} has ${text.length} characters: give at most ${most}`);
  }
  const clean = inOneLine(secrets.text(text)).trim();
  if (clean === "") throw new UsageError(`The ${what} is blank: say it in a few words`);
  return clean;
}

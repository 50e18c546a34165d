import type { Settings } from "../../settings/settings.ts";
import { collectionName } from "../../settings/parse.ts";
import { errorText } from "../../errors.ts";
import { byteLength } from "../../text/utf8.ts";
import { resultRefusal } from "../result_refusal.ts";

/** Where a processor's writes may go: the names of collections, as the settings have them. */
export type WriteTargets = Pick<
  Settings,
  "mongodbDatabase" | "mongodbCollection" | "deadLetterCollection" | "writesTo"
>;

/** The longest full name of a collection that a server takes, in bytes. */
const MAX_NAMESPACE_BYTES = 255;

/** Names of collections in a message, at most. */
const MAX_NAMES = 5;

/**
 * Checks that a write may go to a collection. `place` is the write's, for messages.
 *
 * @throws {PermanentError} If it may not.
 */
export function checkTarget(collection: string, place: string, targets: WriteTargets): void {
  const { mongodbDatabase, deadLetterCollection, writesTo } = targets;
  const said = `${place}.collection is ${JSON.stringify(collection.slice(0, 300))}`;
  try {
    collectionName(collection);
  } catch (error) {
    throw resultRefusal(`${said}, which ${errorText(error)}`);
  }
  const bytes = byteLength(`${mongodbDatabase}.${collection}`);
  if (bytes > MAX_NAMESPACE_BYTES) {
    throw resultRefusal(
      `${place}.collection makes a name of ${bytes} bytes: MongoDB takes at most ${MAX_NAMESPACE_BYTES}, ` +
        "the name of the database and a dot included",
    );
  }
  if (collection === deadLetterCollection) {
    throw resultRefusal(
      `${said}, the collection of the dead letters, which only the agent writes: name another one`,
    );
  }
  if (writesTo !== undefined && !writesTo.includes(collection)) {
    throw resultRefusal(`${said}, which WRITES_TO does not allow: ${advice(writesTo)}`);
  }
}

function advice(writesTo: readonly string[]): string {
  if (writesTo.length === 0) return "it allows no writes, change it if they are wanted";
  const names = writesTo.slice(0, MAX_NAMES).join(", ");
  return `name it there, or write to one of those that it names (${names}${
    writesTo.length > MAX_NAMES ? ", ..." : ""
  })`;
}

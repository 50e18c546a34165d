import { shortened } from "../../agent/text/shortened.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/** Dead letters whose errors are of one kind, since they were reported last. */
export interface AlertGroup {
  /** What their errors have in common, as `dead-letters summary` shows it. */
  readonly pattern: string;
  readonly count: number;
  /** When the first and the last came, in milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** The last of them. */
  readonly example: Example;
}

/** One dead letter, without secrets. */
export interface Example {
  readonly id: string;
  readonly attempt: number;
  readonly error: string;
}

/** Whose letters these are. */
export interface AlertSource {
  readonly agent: string;
  readonly database: string;
  readonly collection: string;
}

/** The version of the shape. A field may come without another version; none goes, and none changes its meaning. */
const VERSION = 1;
/** So much of an error, and of an id, stands in the text for people, in UTF-16 units. */
const MAX_SHOWN = 500;

/** What is sent about a group: for programs, and for the chats that show `text`. */
export function alertBody(
  { agent, collection, database }: AlertSource,
  { count, example, firstMs, lastMs, pattern }: AlertGroup,
): Record<string, unknown> {
  const { attempt, error, id } = example;
  const source = `${database}.${collection}`;
  const what = count === 1 ? `A dead letter in ${source}` : `${count} dead letters in ${source}, such as`;
  const details = `id ${shown(id)}, attempt ${attempt}, agent ${agent}`;
  return {
    version: VERSION,
    text: escaped(`${what}: ${shown(error)} (${details})`),
    agent,
    database,
    collection,
    pattern,
    count,
    first_at: new Date(firstMs).toISOString(),
    last_at: new Date(lastMs).toISOString(),
    example,
  };
}

function shown(text: string): string {
  return shortened(inOneLine(text), MAX_SHOWN);
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Chats take what stands between < and > for a command, such as to notify all members. */
function escaped(text: string): string {
  return text.replace(/[&<>]/g, (mark) => ESCAPES[mark]!);
}

import { padded } from "./cell_text.ts";
import { type Line, span } from "./line.ts";

/** Cells of the keys and the words that are explained. */
const FIRST = 10;

const HELP: readonly (readonly [key: string, text: string])[] = [
  ["", ""],
  ["s, S", "sort by the next or the last of trouble, name, rate, held, started"],
  ["/", "show those agents whose name, state, version or reason has a text"],
  ["↑ ↓, j k", "scroll the agents, as PageUp, PageDown, Home or g, End or G do"],
  ["space", "hold what is shown, or go on"],
  ["r", "look at once"],
  ["?, h", "this help"],
  ["q, Ctrl-C", "quit"],
  ["", ""],
  ["waiting", "documents that could be claimed now; ≥ if counting ended there"],
  ["drained", "as fast as what waits has fallen in the last minute; until that is"],
  ["", "known, as fast as documents become processed"],
  ["processed", "the last ten minutes of all agents, a bar for ten seconds"],
  ["frozen", "it does not report, and MongoDB still has a connection of it"],
  ["silent", "it does not report, and MongoDB cannot tell why"],
  ["dead", "it does not report, and MongoDB has no connection of it"],
  ["RUNS", "documents that are in their handler, of those that the agent holds"],
];

/** What the keys do, and what the words on the screen mean. */
export function helpLines(): Line[] {
  return HELP.map(([key, text]) => [span(padded(key, FIRST + 1)), span(text)]);
}

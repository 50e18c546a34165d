import type { FleetAgent } from "../../agent/fleet/fleet_view.ts";
import { type LetterGroup, LetterGroups } from "../../agent/store/dead_letters/letter_groups.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import type { ErrorRow } from "./overview.ts";
import { shownId } from "./shown_id.ts";

/** Groups of each kind, at most. */
const MAX_GROUPS = 50;

/** What dead letters failed with, in groups: those with the most letters first. */
export function errorsOfLetters(letters: readonly DeadLetter[]): ErrorRow[] {
  const groups = new LetterGroups();
  for (const letter of letters) groups.add(letter);
  return rows(groups, "dead_letters");
}

/** What went wrong last in each agent, in groups: `count` is the number of agents. */
export function errorsOfAgents(agents: readonly FleetAgent[]): ErrorRow[] {
  const groups = new LetterGroups();
  for (const { id, lastError } of agents) {
    if (lastError) groups.add({ _id: id, error: lastError.message, dead_at: lastError.at });
  }
  return rows(groups, "agents");
}

function rows(groups: LetterGroups, of: ErrorRow["of"]): ErrorRow[] {
  return groups.sorted("letters").slice(0, MAX_GROUPS).map((group) => row(group, of));
}

function row({ example, first, last, letters, pattern }: LetterGroup, of: ErrorRow["of"]): ErrorRow {
  return {
    pattern,
    of,
    count: letters,
    first: first?.toISOString() ?? null,
    last: last?.toISOString() ?? null,
    example_id: of === "agents" ? null : shownId(example.id),
    example: example.error,
  };
}

import type { StoryJson } from "../api.ts";
import { numberOf } from "./bson_value.ts";

/**
 * How many attempts a document has had, such as "2 of 5"; of one that has failed without how many it may have: the agent
 * has decided that, whose `MAX_ATTEMPTS` may be another than the dashboard's.
 */
export function attemptsText({ attempts, max_attempts, state }: StoryJson): string {
  const had = numberOf(attempts) ?? 0;
  return state === "failed" ? String(had) : `${had} of ${max_attempts}`;
}

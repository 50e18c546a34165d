import type { TroubleKind } from "../../health/trouble.ts";

/** What an agent reports in place of a {@linkcode TroubleKind} if its poll loop does not move. */
export const STUCK = "stuck";
const WORDS: Readonly<Record<TroubleKind | typeof STUCK, string>> = {
  [STUCK]: "the poll loop does not move",
  not_reached: "MongoDB has not been reached",
  unreachable: "MongoDB is out of reach",
  no_collection: "the collection is missing",
  claims_fail: "claims fail",
  outcomes_fail: "MongoDB does not take outcomes",
  processor_fails: "the processor fails",
};

/**
 * Why an agent is not ready, for people.
 *
 * @param trouble as its entry has it: a {@linkcode TroubleKind} or {@linkcode STUCK}, and mostly an error; those of other versions are left alone
 */
export function troubleText(trouble: string): string {
  const [kind] = trouble.split(":", 1) as [string];
  return Object.hasOwn(WORDS, kind)
    ? WORDS[kind as keyof typeof WORDS] + trouble.slice(kind.length)
    : trouble;
}

import type { TroubleKind } from "../../health/trouble.ts";

const WORDS: Readonly<Record<TroubleKind, string>> = {
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
 * @param trouble as its entry has it: a {@linkcode TroubleKind}, and mostly an error; those of other versions are left alone
 */
export function troubleText(trouble: string): string {
  const [kind] = trouble.split(":", 1) as [string];
  return Object.hasOwn(WORDS, kind) ? WORDS[kind as TroubleKind] + trouble.slice(kind.length) : trouble;
}

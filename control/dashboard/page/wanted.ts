import type { LettersAsk } from "../api.ts";

/** Which letters, without who and why. */
type Selection = Pick<LettersAsk, "pattern" | "others" | "keys" | "all">;

/** What the viewer is about to ask for. */
export interface Wanted {
  action: "redrive" | "purge";
  selection: Selection;
  /** The selection for people. */
  what: string;
}

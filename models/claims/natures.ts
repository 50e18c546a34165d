/**
 * What a document does when it is processed. poison: ends the process · flaky: succeeds or fails at will · writing:
 * succeeds, and asks for writes · clashing: the same, and the database refuses its writes · sleepy: succeeds or asks for
 * a snooze · restless: ends the process or asks for a snooze · saving: makes checkpoints, then succeeds or fails ·
 * waiting: makes checkpoints, then succeeds or asks for a snooze
 */
export type Nature =
  | "good"
  | "flaky"
  | "bad"
  | "poison"
  | "writing"
  | "clashing"
  | "sleepy"
  | "restless"
  | "saving"
  | "waiting";

/** Whether a run may end the process. */
export function mayEnd(nature: Nature): boolean {
  return nature === "poison" || nature === "restless";
}

/** Whether a run may succeed. */
export function maySucceed(nature: Nature): boolean {
  return nature !== "bad" && !mayEnd(nature);
}

/** Whether a run may fail. */
export function mayFail(nature: Nature): boolean {
  return nature === "flaky" || nature === "bad" || nature === "saving";
}

/** Whether a run may ask for a snooze. */
export function mayDoze(nature: Nature): boolean {
  return nature === "sleepy" || nature === "restless" || nature === "waiting";
}

/** Whether a run may make checkpoints. */
export function maySave(nature: Nature): boolean {
  return nature === "saving" || nature === "waiting";
}

/** Whether a run that succeeds asks for writes. */
export function asksForWrites(nature: Nature): boolean {
  return nature === "writing" || nature === "clashing";
}

/** Whether nothing that it does makes it a dead letter. */
export function isInnocent(nature: Nature): boolean {
  return nature === "good" || nature === "writing" || nature === "sleepy" || nature === "waiting";
}

/** A claim that took all it asked for, with nothing in between: its steps, joined by line breaks. */
const CLAIM =
  /^([A-Z]) reads ([d\d, ]+) \((\w+)\) and sends claim (t\d+)((?:\nclaim \4 takes d\d+)+)\nclaim \4 is answered: (\d+) of \6 taken(?:\n\1 reads back \4: \2)?$/gm;

/** The steps of a trace for people: a claim that nothing disturbs is one step, not five. */
export function readableSteps(trace: readonly string[]): string[] {
  return trace.join("\n").replace(CLAIM, "$1 claims $2 ($3) under $4").split("\n");
}

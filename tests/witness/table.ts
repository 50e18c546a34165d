import type { Verdict } from "./breaches.ts";

/** What a witness says, for people: its word, what it has counted, and each breach with the entries that show it. */
export function tableOf({ breaches, counts, ok }: Verdict): string {
  const width = Math.max(...Object.keys(counts).map(({ length }) => length), 0);
  return [
    ok ? "The witness has found no breach." : `The witness has found ${counts.breaches} breaches.`,
    "",
    ...Object.entries(counts).sort().map(([what, count]) => `${what.padEnd(width)}  ${count}`),
    ...breaches.flatMap(({ document, entries, rule, what }) => [
      "",
      `${rule}: ${document}: ${what}`,
      ...entries.map((entry) => `  ${entry}`),
    ]),
    "",
  ].join("\n");
}

/**
 * The results of the chaos as they are kept beside the document, and its table.
 *
 * @module
 */

import { formatted, withPart } from "../../scripts/generated_part.ts";
import { table } from "../../scripts/markdown_table.ts";
import type { RowResult } from "./row_result.ts";

/** The mark of the table in the document. */
export const CHAOS_MARK = "chaos";

/** What is kept of a row. */
interface KeptRow {
  /** The date, the machine and the versions. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly figures: Omit<RowResult, "name" | "problems" | "said" | "witness"> & {
    readonly problems: number;
    /** What the witness counted. */
    readonly witness: Readonly<Record<string, number>>;
  };
}

/** Rows by their names. */
export type ChaosResults = Readonly<Record<string, KeptRow>>;

/** Writes results to `reliability.json` of a directory, in place of earlier ones of the same rows, and its document anew. */
export async function keepResults(
  results: readonly RowResult[],
  conditions: Readonly<Record<string, string>>,
  directory: string,
): Promise<void> {
  const file = `${directory}/reliability`;
  await Deno.mkdir(directory, { recursive: true });
  const before: ChaosResults = JSON.parse(await Deno.readTextFile(`${file}.json`).catch(() => "{}"));
  const kept: ChaosResults = {
    ...before,
    ...Object.fromEntries(results.map((result) => [result.name, { conditions, figures: figuresOf(result) }])),
  };
  await Deno.writeTextFile(`${file}.json`, await formatted(JSON.stringify(kept), "json"));
  const empty = `<!-- generated: ${CHAOS_MARK} -->\n<!-- /generated: ${CHAOS_MARK} -->\n`;
  const document = await Deno.readTextFile(`${file}.md`).catch(() => empty);
  const part = { mark: CHAOS_MARK, content: chaosText(kept) };
  await Deno.writeTextFile(`${file}.md`, await formatted(withPart(document, part, `${file}.md`), "md"));
}

/** The rows as a table, what all of them come to, and the conditions. */
export function chaosText(results: ChaosResults): string {
  const rows = Object.entries(results);
  return [
    table(
      [
        ...[
          "What is done",
          "Times",
          "Documents",
          "Lost",
          "Blamed",
          "Ran again after a kill",
          "after a cut",
          "without excuse",
        ],
        ...["Attempts in vain", "Breaches", "Recovers in", "Stalled", "Log lines", "Memory"],
      ],
      rows.map(([name, { figures }]) => cells(name, figures)),
    ),
    conditionsTable(
      rows.map(([name, { conditions, figures: { seconds } }]) => ({ name, conditions, seconds })),
    ),
  ].join("\n\n");
}

function cells(name: string, figures: KeptRow["figures"]): string[] {
  const { blamed = 0, disturbances, inVain, inserted, lost, unexcused, what, witness } = figures;
  const seen = (what: string) => witness[what] ?? 0;
  // Two programs have counted these, each in its own way.
  const withoutExcuse = Math.max(unexcused, seen("doubles, without an excuse"));
  const allInVain = Math.max(inVain, seen("attempts spent in vain"));
  return [
    `**\`${name}\`**: ${what}`,
    ...[disturbances, inserted, lost, blamed].map(String),
    ...[seen("doubles, killed"), seen("doubles, cut"), withoutExcuse].map(String),
    ...[allInVain, seen("breaches")].map(String),
    `${(figures.recoverMs / 1000).toFixed(1)} s`,
    `${(figures.stalledMs / 1000).toFixed(1)} s`,
    `${figures.lines}, ${figures.warnings} of them warnings`,
    `${figures.memoryMb} MiB`,
  ];
}

function conditionsTable(
  rows: readonly { name: string; conditions: Readonly<Record<string, string>>; seconds: number }[],
): string {
  const byText = Map.groupBy(
    rows,
    ({ conditions, seconds }) =>
      Object.entries({ ...conditions, "Disturbed for": `${Math.round(seconds)} s per row` })
        .map(([name, value]) => `${name}: ${value}`).join("; "),
  );
  return table(
    ["Rows", "Run"],
    [...byText].map(([text, those]) => [
      those.length === rows.length ? "all" : those.map(({ name }) => `\`${name}\``).join(", "),
      text,
    ]),
  );
}

function figuresOf({ name: _, problems, said: __, witness, ...figures }: RowResult): KeptRow["figures"] {
  return { ...figures, problems: problems.length, witness: witness.counts };
}

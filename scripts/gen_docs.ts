/**
 * Writes the generated parts of the documents: the tables of settings, commands, counters and metrics, the messages of
 * the sources, the lines of events, the rules of the claim protocol with the counterexamples that the model finds, what
 * catches their mutations, and the figures of the benchmark and of the kills. With `--check` it writes nothing and fails if a document differs.
 */
import { usageOf, withValue } from "../control/commands/command.ts";
import { COMMANDS } from "../control/commands/commands.ts";
import { CHAOS_MARK, type ChaosResults, chaosText } from "../tests/chaos/results.ts";
import { CONCERNS } from "../control/doctor/concerns.ts";
import type { Level } from "../control/doctor/concern.ts";
import type { Setting } from "../agent/settings/setting.ts";
import { SETTINGS } from "../agent/settings/settings.ts";
import { INDEXES } from "../agent/store/indexes.ts";
import { documentText, type Results } from "../bench/report.ts";
import { type PeerResult, peersTable } from "../bench/kills/table.ts";
import { fleetTable, type Scaling } from "../bench/scaling.ts";
import { formatted, type GeneratedPart, withPart } from "./generated_part.ts";
import { collectMessages } from "./messages/collect.ts";
import { SETTING_ADVICE } from "./setting_advice.ts";
import { table } from "./markdown_table.ts";
import { bucketsTable, instrumentsTable } from "./metrics/document.ts";
import { messagesInFull } from "./messages/document.ts";
import { lineShapes } from "./messages/line_shapes.ts";
import { COUNTERS } from "../health/counters.ts";
import { mutationsTable } from "./mutations/mutations.ts";
import { dashboardText } from "./monitoring/dashboard.ts";
import { plainRules } from "./monitoring/rules_file.ts";
import { differencesTable, serverNotes, serversTable } from "./servers/document.ts";
import { faultsTable, limitsInFull, rulesInFull } from "./protocol/document.ts";
import { rangeFaultsTable, rangeLimitsInFull, rangeRulesInFull } from "./protocol/range_document.ts";

/** A part that this script writes. */
interface Part extends GeneratedPart {
  file: string;
}

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

const settings = Object.values(SETTINGS as Record<string, Setting<unknown>>);

const PARTS: Part[] = [
  { file: "docs/commands.md", mark: "commands", content: commandsTable() },
  { file: "docs/commands.md", mark: "options", content: optionsTable() },
  { file: "docs/configuration.md", mark: "all settings", content: settingsTable() },
  { file: "docs/configuration.md", mark: "settings", content: settingsInFull() },
  { file: "docs/configuration.md", mark: "counters", content: countersTable() },
  { file: "docs/configuration.md", mark: "indexes", content: indexCommands() },
  { file: "docs/operations.md", mark: "lines", content: lineShapes() },
  { file: "docs/doctor.md", mark: "findings", content: findingsTable() },
  {
    file: "docs/performance.md",
    mark: "figures",
    content: documentText(await measured<Results>("performance")),
  },
  { file: "docs/scaling.md", mark: "fleets", content: fleetTable(await measured<Scaling>("scaling")) },
  { file: "docs/reliability.md", mark: CHAOS_MARK, content: chaosText(await chaosResults()) },
  { file: "docs/protocol.md", mark: "faults", content: faultsTable() },
  { file: "docs/protocol.md", mark: "rules", content: await rulesInFull(ROOT) },
  { file: "docs/protocol.md", mark: "limits", content: limitsInFull() },
  { file: "docs/protocol.md", mark: "range-faults", content: rangeFaultsTable() },
  { file: "docs/protocol.md", mark: "range-rules", content: await rangeRulesInFull(ROOT) },
  { file: "docs/protocol.md", mark: "range-limits", content: rangeLimitsInFull() },
  { file: "docs/reliability.md", mark: "peers", content: peersTable(await peerResults()) },
  { file: "docs/reliability.md", mark: "mutations", content: mutationsTable() },
  { file: "docs/metrics.md", mark: "instruments", content: instrumentsTable() },
  { file: "docs/metrics.md", mark: "buckets", content: bucketsTable() },
  { file: "docs/servers.md", mark: "servers", content: serversTable() },
  { file: "docs/servers.md", mark: "notes", content: serverNotes() },
  { file: "docs/servers.md", mark: "differences", content: differencesTable() },
  { file: "docs/messages.md", mark: "messages", content: messagesInFull(await collectMessages(ROOT)) },
];

/** Whole files that this script writes. */
const FILES: Record<string, string> = {
  "k8s/monitoring/dashboard.json": await formatted(dashboardText(), "json"),
  "k8s/monitoring/rules.yaml": plainRules(
    await Deno.readTextFile(`${ROOT}/k8s/monitoring/prometheusrule.yaml`),
  ),
};

function settingsTable(): string {
  const rows = settings.map(({ variable, ...setting }) => [
    `[\`${variable}\`](#${variable.toLowerCase()})`,
    defaultOf({ variable, ...setting }),
    setting.doc,
  ]);
  return table(["Variable", "Default", "Meaning"], rows);
}

function settingsInFull(): string {
  return Object.entries(SETTINGS as Record<string, Setting<unknown>>).map(([name, setting]) => {
    const advice = SETTING_ADVICE[name as keyof typeof SETTINGS];
    return [
      `### \`${setting.variable}\``,
      setting.doc,
      ...(advice === "" ? [] : [advice]),
      `- Accepts: ${setting.parse.accepts}.\n- Default: ${defaultOf(setting)}.`,
    ].join("\n\n");
  }).join("\n\n");
}

function commandsTable(): string {
  const rows = COMMANDS.map((command) => [`\`pulling-agent ${usageOf(command)}\``, command.doc]);
  return table(["Command", "What it does"], rows);
}

function optionsTable(): string {
  const rows = COMMANDS.flatMap(({ name, options = {} }) =>
    Object.entries(options).map(([option, spec]) => [
      `\`${name}\``,
      `\`${withValue(option, spec)}\``,
      spec.doc,
    ])
  );
  return table(["Command", "Option", "What it does"], rows);
}

/** All that the doctor looks for, concern by concern. */
function findingsTable(): string {
  const levels: Record<Level, string> = {
    stops: "stops the agent",
    hurts: "will hurt",
    note: "good to know",
  };
  const rows = CONCERNS.flatMap(({ findings, name }) =>
    Object.entries(findings).map(([is, { doc, level }]) => [name, `\`${is}\``, levels[level], doc])
  );
  return table(["Looks at", "Finding", "Level", "What it does to the agent"], rows);
}

function countersTable(): string {
  return table(["Counter", "Counts"], Object.entries(COUNTERS).map(([name, doc]) => [`\`${name}\``, doc]));
}

/** Figures that were measured, and are kept beside the document that shows them. */
async function measured<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}/docs/${name}.json`));
}

/** What `deno task kills` has found. */
async function peerResults(): Promise<PeerResult[]> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}/docs/reliability_peers.json`));
}

/** What `deno task chaos` has found in a long run. */
async function chaosResults(): Promise<ChaosResults> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}/docs/reliability.json`));
}

/** For the shell, with the collection of the quickstart. */
function indexCommands(): string {
  const commands = INDEXES.map(({ name, keys, partialFilterExpression }) => {
    const options = JSON.stringify({ name, partialFilterExpression }, null, 2);
    return `db.orders.createIndex(${JSON.stringify(keys)}, ${options});`;
  });
  return ["```js", ...commands, "```"].join("\n");
}

function defaultOf({ default: given, defaultText, required }: Setting<unknown>): string {
  if (required) return "required";
  return given === undefined ? defaultText ?? "none" : `\`${given}\``;
}

const isCheck = Deno.args.includes("--check");
let drifted = false;

/** Writes a file that differs; with `--check` it only reports that. */
async function update(file: string, before: string, after: string): Promise<void> {
  if (after === before) return;
  drifted = true;
  if (isCheck) console.error(`${file} is not what the tables say: run deno run -A scripts/gen_docs.ts`);
  else await Deno.writeTextFile(`${ROOT}/${file}`, after);
}

for (const file of new Set(PARTS.map((part) => part.file))) {
  const before = await Deno.readTextFile(`${ROOT}/${file}`);
  const after = await formatted(
    PARTS.filter((part) => part.file === file).reduce((text, part) => withPart(text, part, file), before),
    "md",
  );
  await update(file, before, after);
}
for (const [file, content] of Object.entries(FILES)) {
  await update(file, await Deno.readTextFile(`${ROOT}/${file}`).catch(() => ""), content);
}
Deno.exit(isCheck && drifted ? 1 : 0);

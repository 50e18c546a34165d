import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Setting } from "../../../../agent/settings/setting.ts";
import { SETTINGS } from "../../../../agent/settings/settings.ts";
import { usageOf } from "../../../../control/commands/command.ts";
import { COMMANDS } from "../../../../control/commands/commands.ts";
import { helpText } from "../../../../control/commands/help.ts";

const LINES = helpText(COMMANDS).split("\n");

function lineOf(name: string): string {
  const found = LINES.filter((line) => line === `  ${name}` || line.startsWith(`  ${name} `));
  assertEquals(found.length, 1, name);
  // If the name is long, its text is on the next line.
  return found[0] === `  ${name}` ? LINES[LINES.indexOf(found[0]) + 1]! : found[0]!;
}

Deno.test("helpText() has a line for every setting, with its doc and default", () => {
  for (const setting of Object.values(SETTINGS as Record<string, Setting<unknown>>)) {
    const line = lineOf(setting.variable);
    assert(line.includes(setting.doc.replaceAll("`", "")), line);
    assertMatch(line, setting.required ? /\(required\)$/ : /\(default: [^()]+\)$/);
    if (setting.default) assert(line.endsWith(`(default: ${setting.default})`), line);
  }
});

Deno.test("helpText() has a line for every command, with its doc", () => {
  for (const command of COMMANDS) {
    const { name, asSwitch } = command;
    const ways = asSwitch === undefined ? "" : `, --${name}, -${asSwitch}`;
    assert(lineOf(usageOf(command) + ways).endsWith(command.doc));
  }
});

Deno.test("helpText() of one command has a line for each of its options, with its doc", () => {
  for (const command of COMMANDS) {
    const lines = helpText([command]).split("\n");
    assertEquals(lines[0], `Usage: pulling-agent ${usageOf(command)}`);
    for (const [name, { doc }] of Object.entries(command.options ?? {})) {
      assert(lines.some((line) => line.startsWith(`  --${name}`) && line.endsWith(doc)), name);
    }
  }
});

Deno.test("helpText() explains durations, signals and exit statuses", () => {
  const text = LINES.join("\n");
  for (
    const said of [
      "Usage: pulling-agent [COMMAND]",
      "--help, -h",
      "--version, -V",
      "Durations are seconds (5), or carry a unit (500ms, 2m).",
      "USR1 pauses, USR2 resumes",
      "0 fine, 1 it failed, 2 wrong usage or settings",
    ]
  ) assert(text.includes(said), said);
});

Deno.test("helpText() is plain text in one column of names", () => {
  assert(LINES.every((line) => !/[`\t]|\s$/.test(line)), "no backquotes, tabs or blanks at the end");
  const names = new Set<string>(COMMANDS.map((command) => `  ${usageOf(command)}`));
  const rows = LINES.filter((line) => line.startsWith("  ") && !names.has(line));
  const columns = new Set(rows.map((line) => line.search(/(?<= {2,})\S(?!.* {2,}\S)/)));
  assertEquals(columns.size, 1);
});

Deno.test("helpText() says of a few settings exactly this", () => {
  const rest = (name: string) => lineOf(name).slice(2 + name.length).trim();
  assertEquals(rest("MONGODB_URI"), "MongoDB connection string. (required)");
  assertEquals(
    rest("POLL_INTERVAL"),
    "Wait before the next claim while nothing is left to claim. (default: 5)",
  );
  assertEquals(
    rest("DEAD_LETTER_COLLECTION"),
    "Collection of the same database for the copies of dead letters. Every collection needs one of its own. (default: <collection>_dead_letters)",
  );
});

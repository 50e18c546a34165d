import { assert, assertEquals } from "@std/assert";
import { type Command, command, usageOf } from "../../../../control/commands/command.ts";
import { COMMANDS } from "../../../../control/commands/commands.ts";

const FOLDER = new URL("../../../../control/commands/", import.meta.url);

Deno.test("COMMANDS holds every command of the folder, and each is the export of a file of its name", async () => {
  const files = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).filter((name) =>
    name.endsWith("_command.ts")
  );
  const found = await Promise.all(files.map(async (file) => {
    const [exported, ...others] = Object.entries(await import(new URL(file, FOLDER).href));
    assertEquals(others, [], file);
    const [name, { name: called }] = exported as [string, Command];
    assertEquals(file, `${called.replaceAll("-", "_")}_command.ts`);
    assertEquals(name, `${called.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase())}Command`);
    return called;
  }));
  assertEquals(found.sort(), COMMANDS.map(({ name }) => name).sort());
});

Deno.test("COMMANDS give no word two meanings", () => {
  const commands = COMMANDS.flatMap(({ name, also = [] }) => [name, ...also]);
  assertEquals(commands.length, new Set(commands).size, commands.join());
  for (const { words = {} } of COMMANDS) {
    const all = Object.entries(words).flatMap(([word, { also = [] }]) => [word, ...also]);
    assertEquals(all.length, new Set(all).size, all.join());
  }
});

Deno.test("COMMANDS take their switches from no other command", () => {
  const switches = COMMANDS.flatMap(({ name, asSwitch }) => asSwitch ? [name, asSwitch] : []);
  for (const { name, options = {} } of COMMANDS) {
    for (const option of Object.keys(options)) assert(!switches.includes(option), `${name} --${option}`);
  }
});

Deno.test("usageOf() shows words, operands, options with their values, and what excludes each other", () => {
  const shown = command({
    name: "do",
    doc: "Do it.",
    words: { all: {}, one: { operand: "ID", takes: ["dry-run"] } },
    options: {
      limit: { value: "N", doc: "" },
      id: { value: "ID", isRepeatable: true, doc: "" },
      "dry-run": { doc: "" },
      failed: { doc: "" },
    },
    oneOf: ["id", "failed"],
    run: () => Promise.resolve(0),
  });
  assertEquals(usageOf(shown), "do all|one ID [--limit N] [--id ID... | --failed] [--dry-run]");
  const asked = command({ name: "why", doc: "Say why.", operand: "ID", run: () => Promise.resolve(0) });
  assertEquals(usageOf(asked), "why ID");
});

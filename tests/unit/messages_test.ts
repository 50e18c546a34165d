import { assert, assertEquals } from "@std/assert";
import { collectMessages, type Message } from "../../scripts/messages/collect.ts";
import { checkMessages } from "../../scripts/messages/grammar.ts";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

const SAMPLE = `import { a } from "not a text";
type B = "a type of words";
log.warn("Cannot do it", { mend: "do it by hand" });
this.#log[level](\`Agent is \${event.to} now\`);
const FAILED = failureLine("WARNING", "It failed again");
throw new UsageError("A is wrong" + \` (\${text(a)}): set it to B\`);
throw new CommandError("it failed for good: try again");
throw new PermanentError("the document is odd");
const table = { doc: "A text of documentation.", name: "one_word" };
problems.push(\`B is \${b ? "one of two" : ""}: mend it\`);
`;

Deno.test("collectMessages tells refusals, failures, lines of the log and errors apart, and leaves out what is not a text", async () => {
  await using dir = await TempDir.make();
  for (const folder of ["agent", "control", "health", "scripts/messages"]) {
    await Deno.mkdir(`${dir.path}/${folder}`, { recursive: true });
  }
  for (const file of ["deno.json", "texts.ts"]) {
    await Deno.copyFile(`${ROOT}/scripts/messages/${file}`, `${dir.path}/scripts/messages/${file}`);
  }
  await dir.write("agent/sample.ts", SAMPLE);
  await dir.write("main.ts", "");
  const found = await collectMessages(dir.path);
  assertEquals(
    found.map(({ line, channel, level, hasMend, text }) => [line, channel, level, hasMend, text]),
    [
      [3, "log", "WARNING", true, "Cannot do it"],
      [3, "piece", undefined, undefined, "do it by hand"],
      [4, "log", "WARNING", false, "Agent is <to> now"],
      [5, "log", "WARNING", false, "It failed again"],
      [6, "refusal", undefined, undefined, "A is wrong (<text>): set it to B"],
      [7, "failure", undefined, undefined, "it failed for good: try again"],
      [8, "error", undefined, undefined, "the document is odd"],
      [10, "refusal", undefined, undefined, "B is <value>: mend it"],
      [10, "piece", undefined, undefined, "one of two"],
    ],
  );
});

/** What the grammar says of one message alone. */
function problemsOf(message: Partial<Message>): string[] {
  const whole: Message = { text: "", channel: "log", file: "a.ts", line: 1, ...message };
  return checkMessages([whole]).filter((problem) => problem.startsWith("a.ts:1 "));
}

const WRONG: Record<string, Partial<Message>> = {
  "a refusal without a way out": { channel: "refusal", text: "A is wrong" },
  "a failure that ends in an error": { channel: "failure", text: "it failed: <errorText>" },
  "a warning without advice": { level: "WARNING", text: "Something is odd" },
  "a line of the log that begins with a small letter": { level: "INFO", text: "agent is up" },
  "a line of the log that is a page": { level: "INFO", text: `A ${"long ".repeat(50)}text` },
  "a word of a private dialect": { level: "INFO", text: "Ended for whoever waits" },
  "an exclamation": { level: "INFO", text: "All is well!" },
};
for (const [what, message] of Object.entries(WRONG)) {
  Deno.test(`checkMessages reports ${what}`, () => assertEquals(problemsOf(message).length, 1));
}

const RIGHT: Partial<Message>[] = [
  { channel: "refusal", text: "A is wrong: set it to B" },
  { level: "WARNING", text: "Something is odd: look at <path>" },
  { level: "WARNING", hasMend: true, text: "Something is odd" },
  { level: "INFO", text: "Agent is <to>" },
];
for (const message of RIGHT) {
  Deno.test(`checkMessages accepts ${JSON.stringify(message)}`, () => assertEquals(problemsOf(message), []));
}

Deno.test("checkMessages reports advice about what no code prints", () => {
  const problems = checkMessages([]);
  assert(problems.length > 10, `${problems.length}`);
  assert(problems.every((problem) => problem.includes("which no code prints")), problems.join("\n"));
});

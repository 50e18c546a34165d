import { assertEquals } from "@std/assert";
import { hasSubject, type Subjects, titlesIn } from "../../scripts/check_titles.ts";

const SUBJECTS: Subjects = {
  symbols: new Set(["Batcher", "outcomeOf", "claim()"]),
  commands: new Set(["run", "dead-letters"]),
  files: new Set(["control-agent.sh", "docs/image.md"]),
};

for (
  const [title, expected] of [
    ["Batcher writes what gathered", true],
    ["Batcher.add() waits", true],
    ["outcomeOf() never throws", true],
    ["claim(): what was lost is found", true],
    ["dead-letters, pause and resume exit with 0", true],
    ["run --until-empty ends", true],
    ["MONGODB_URI_FILE that changes is followed", true],
    ["--help names every command", true],
    ["docs/image.md: it starts", true],
    ["Leases: one that has expired", true],
    ["Leases are renewed", true],
    ["claim what is lost", false],
    ["An agent that is killed", false],
    ["Leaseholders rejoice", false],
    ["runs until nothing is left", false],
    ["", false],
  ] as const
) {
  Deno.test(`hasSubject() is ${expected} for "${title}"`, () => {
    assertEquals(hasSubject(title, SUBJECTS), expected);
  });
}

Deno.test("titlesIn() finds titles with their lines, in each form that tests are written in", () => {
  const test = ["Deno", "test"].join(".");
  const text = [
    `${test}("A \\"quoted\\" one", () => {});`,
    `  ${test}(\`of \${what}\`, () => {});`,
    `${test}({`,
    `  ignore: isMissing,`,
    `  name: "an optional one",`,
    `});`,
    `${test}(\`\${made} up\`, () => {});`,
  ].join("\n");
  assertEquals(titlesIn(text), [
    { title: 'A \\"quoted\\" one', line: 1 },
    { title: "of ${what}", line: 2 },
    { title: "an optional one", line: 3 },
  ]);
});

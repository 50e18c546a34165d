import { assert, assertEquals, assertGreater } from "@std/assert";
import { COMMANDS } from "../../../control/commands/commands.ts";

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../../${path}`, import.meta.url));
}

const rules = await read("k8s/monitoring/rules.yaml");
const runbooks = await read("docs/runbooks.md");

/** Each alert, with what its rule has. */
const ALERTS = new Map(
  rules.split(/^ *- alert: /m).slice(1).map((rule) => [rule.split("\n")[0]!, rule] as const),
);

/** Each section of the runbooks by its title. */
const SECTIONS = new Map(
  runbooks.split(/^## /m).slice(1).map((section) => [section.split("\n")[0]!, section] as const),
);

Deno.test("Alerts: each has a runbook, and each runbook an alert", () => {
  assertGreater(ALERTS.size, 8);
  assertEquals([...SECTIONS.keys()], [...ALERTS.keys()]);
  for (const [alert, rule] of ALERTS) {
    const [, url] = /runbook_url: (\S+)/.exec(rule) ?? [];
    assertEquals(url, `https://example.com/pulling-agent/docs/runbooks.md#${alert.toLowerCase()}`);
    const [, severity] = /severity: (\S+)/.exec(rule) ?? [];
    assert(severity === "critical" || severity === "warning", alert);
    const row = new RegExp(`\\[\`${alert}\`\\]\\(#${alert.toLowerCase()}\\) +\\| ${severity} `);
    assert(row.test(runbooks), `the table of the runbooks has ${alert} with ${severity}`);
    assert(/summary: \S/.test(rule), alert);
    assert(/description: >-\n/.test(rule), alert);
  }
});

Deno.test("Alerts: each runbook tells what it means, where to look and what to do", () => {
  for (const [alert, section] of SECTIONS) {
    const parts = ["**It means:**", "**Look here:**", "**Do this:**"].map((part) => section.indexOf(part));
    assert(parts.every((at, n) => at > (parts[n - 1] ?? 0)), alert);
    assert(section.includes("```sh cluster"), `${alert} has commands`);
  }
});

Deno.test("Docs: commands of the runbooks and of the table of symptoms exist, with their options", async () => {
  const operations = await read("docs/operations.md");
  const symptoms = operations.slice(operations.indexOf("## Troubleshooting"));
  // In code alone, where a blank after the name begins its arguments.
  const code = `${runbooks}\n${symptoms}`.match(/```[^]*?```|`[^`\n]+`/g)!.join("\n");
  const named = new Set<string>();
  for (
    const [text, name, rest] of code.matchAll(/(?<![\w/])pulling-agent ([a-z][a-z-]*)(?![:.\w])([^`\n|]*)/g)
  ) {
    const command = COMMANDS.find((each) => each.name === name);
    assert(command, `there is no command ${name}: ${text}`);
    named.add(name!);
    for (const [, option] of rest!.matchAll(/ --([a-z-]+)/g)) {
      assert(option! in (command.options ?? {}), `${text}: there is no --${option}`);
    }
  }
  const promised = ["cancel", "check", "dead-letters", "doctor", "requeue", "status", "try", "why"];
  assertEquals(promised.filter((name) => !named.has(name)), []);
});

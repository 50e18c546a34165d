import { assert, assertEquals } from "@std/assert";
import { KUBECTL } from "../support/manifests.ts";
import { isMissing } from "../support/optional.ts";
import { runScript, shellBlocks } from "../support/shell_blocks.ts";

/** The words of a kubectl command that belong to its name. */
const SUBCOMMAND = /^(secret generic|configmap|job|status|restart|undo|image)(?= )/;

Deno.test("Docs: every shell block of the documents is sound, and is run or says what it needs", async () => {
  for (const { file, line, mark, text } of await shellBlocks()) {
    const where = `${file}:${line}`;
    assert(["", "cluster", "registry"].includes(mark), `${where} has an unknown mark ${mark}`);
    const { code, text: said } = await runScript('printf %s "$BLOCK" | sh -n', { BLOCK: text });
    assertEquals(code, 0, `${where}: ${said}`);
    const needsCluster = /^(kubectl|helm)\b|k8s-|control-agent\.sh/m.test(text);
    if (needsCluster) assertEquals(mark, "cluster", `${where} needs a cluster: mark it`);
  }
});

Deno.test({
  name: "Docs: shell blocks that need a cluster use commands and options that kubectl knows",
  ignore: await isMissing(KUBECTL),
  fn: async () => {
    const general = (await runScript("kubectl options")).text;
    let commands = 0;
    for (const { file, line, text } of (await shellBlocks()).filter(({ mark }) => mark === "cluster")) {
      for (const [, verb, rest] of text.matchAll(/\bkubectl ([a-z-]+) ?([^\n|]*)/g)) {
        const command = `${verb} ${SUBCOMMAND.exec(rest!)?.[0] ?? ""}`;
        const { code, text: help } = await runScript(`kubectl ${command} --help`);
        assertEquals(code, 0, `${file}:${line}: ${help}`);
        for (const [option] of rest!.split(" -- ")[0]!.matchAll(/(?<= )--[a-z-]+/g)) {
          const isKnown = help.includes(`${option}=`) || general.includes(`${option}=`);
          assert(isKnown, `${file}:${line}: kubectl ${command} has no ${option}`);
        }
        commands += 1;
      }
    }
    assert(commands > 20);
  },
});

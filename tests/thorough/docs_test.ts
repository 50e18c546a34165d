import { assert, assertEquals } from "@std/assert";
import { KUBECTL } from "../support/manifests.ts";
import { isMissing } from "../support/optional.ts";
import { documents, runScript, shellBlocks } from "../support/shell_blocks.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

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

Deno.test("Docs: the scripts, files and make targets that the documents name are there", async () => {
  const make = await Deno.readTextFile(`${ROOT}/Makefile`);
  const targets = new Set([...make.matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name));
  for (const file of await documents()) {
    const text = await Deno.readTextFile(`${ROOT}/${file}`);
    for (const [, target] of text.matchAll(/(?:`|^ *)make ([a-z][a-z0-9-]+)/gm)) {
      assert(targets.has(target!), `${file} names make ${target}`);
    }
    if (file === "docs/migrating.md") continue; // names those of the Python version, too
    for (const [path] of text.matchAll(/(?<![\w/.-])(?:k8s|scripts|tests)\/[\w/.-]*\w/g)) {
      await Deno.stat(`${ROOT}/${path}`).catch(() =>
        assert(false, `${file} names ${path}, which is not there`)
      );
    }
  }
});

Deno.test("README.md compares by the figures of docs/performance.md", async () => {
  const figures = await Deno.readTextFile(`${ROOT}/docs/performance.md`);
  const [row] = /^\| Documents per second .*$/m.exec(await Deno.readTextFile(`${ROOT}/README.md`)) ?? [];
  const compared = [...row!.matchAll(/\d[\d,]*/g)].map(([figure]) => figure);
  assertEquals(compared.length, 6);
  for (const figure of compared) {
    assert(figures.includes(`**${figure}** (`), `README.md says ${figure}, docs/performance.md does not`);
  }
});

Deno.test("docs/architecture.md draws folders and files that are there", async () => {
  const text = await Deno.readTextFile(`${ROOT}/docs/architecture.md`);
  const drawing = /## The drawing[^]*?^```$([^]*?)^```$/m.exec(text)![1]!;
  const names = new Set<string>();
  const add = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${ROOT}/${folder}`)) {
      names.add(isDirectory ? `${name}/` : name.replace(/\.ts$/, ""));
      if (isDirectory) await add(`${folder}/${name}`);
    }
  };
  for (const folder of ["agent", "control", "health"]) {
    names.add(`${folder}/`);
    await add(folder);
  }
  const drawn = [...drawing.matchAll(/\b[a-z_]+\/|\b[a-z]+(?:_[a-z]+)+\b(?!\/)/g)].map(([name]) => name);
  assert(drawn.length > 30, "the drawing names folders and files");
  assertEquals(drawn.filter((name) => !names.has(name)), []);
});

Deno.test("Docs: links between the documents lead somewhere", async () => {
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = async (path: string): Promise<Set<string>> => {
    const known = anchors.get(path) ??
      new Set(
        [...(await Deno.readTextFile(path)).replaceAll(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(
          ([, title]) => title!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-"),
        ),
      );
    anchors.set(path, known);
    return known;
  };
  let links = 0;
  for (const file of await documents()) {
    const text = (await Deno.readTextFile(`${ROOT}/${file}`)).replaceAll(/^ *```[^]*?^ *```$/gm, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path = "", anchor] = target!.split("#");
      const full = path === "" ? `${ROOT}/${file}` : new URL(path, `file://${ROOT}/${file}`).pathname;
      await Deno.stat(full).catch(() => assert(false, `${file} links to ${target}, which is not there`));
      if (anchor !== undefined) {
        assert((await anchorsOf(full)).has(anchor), `${file} links to ${target}: no such heading`);
      }
      links += 1;
    }
  }
  assert(links > 5);
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

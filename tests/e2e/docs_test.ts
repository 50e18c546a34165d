import { assert, assertEquals } from "@std/assert";
import { documents } from "../support/shell_blocks.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

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

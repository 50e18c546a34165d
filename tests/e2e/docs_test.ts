import { ObjectId } from "mongodb";
import { assert, assertEquals } from "@std/assert";
import { agentBinary } from "../support/agent_home.ts";
import { KUBECTL } from "../support/manifests.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/**
 * Lines of blocks without a mark that are not run, and why. A block that needs something this machine may lack carries
 * a mark after its language instead: `cluster` (see tests/k8s) or `registry`.
 */
const NOT_RUN: Record<string, string> = {
  "pulling-agent dashboard": "serves until it is stopped",
  "pulling-agent dashboard --allow-actions": "serves until it is stopped",
  "make dev": "goes on until it is stopped",
  'make dev FILE=examples/orders.jsonl PROCESSOR="exec:python3 worker.py"':
    "is run by tests/integration/dev_programs_test.ts, with the worker of the document",
  "make test": "is what runs this",
  "make test-all": "is what runs this",
  "make test-unit": "is run by what runs this",
  "make build": "has been done by what runs this",
  "COMPAT_URI='mongodb://...' deno task test:compat": "needs a server of the reader's",
  "pulling-agent dead-letters show 65f0c0ffee0123456789abcd": "names a letter of the reader's",
  "dist/pulling-agent try": "needs the reader's collection",
  "dist/pulling-agent try --id 65f0c0ffee0123456789abcd": "names a document of the reader's",
  "METRICS_PORT=9464 METRICS_HOST=0.0.0.0 pulling-agent run": "goes on until it is stopped",
  "curl http://localhost:9464/metrics": "asks the agent of the line before it",
  "pulling-agent metrics": "asks an agent that runs",
  "dist/pulling-agent": "goes on until it is stopped: replaced by a run that is stopped",
};

/** The words of a kubectl command that belong to its name. */
const SUBCOMMAND = /^(secret generic|configmap|job|status|restart|undo|image)(?= )/;

interface Block {
  file: string;
  line: number;
  mark: string;
  text: string;
}

async function documents(): Promise<string[]> {
  const found = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(`${ROOT}/docs`)) {
    if (name.endsWith(".md")) found.push(`docs/${name}`);
  }
  return found.sort();
}

async function shellBlocks(): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const file of await documents()) {
    const text = await Deno.readTextFile(`${ROOT}/${file}`);
    for (const match of text.matchAll(/^( *)```(?:sh|bash|shell)\b *(\S*)\n([^]*?)^\1```$/gm)) {
      const line = text.slice(0, match.index).split("\n").length;
      blocks.push({ file, line, mark: match[2]!, text: match[3]!.replaceAll(/^ +/gm, "") });
    }
  }
  assert(blocks.length > 20, "there are documents with shell blocks");
  return blocks;
}

async function run(
  script: string,
  env: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  const child = new Deno.Command("sh", { args: ["-eu", "-c", script], cwd: ROOT, env });
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("Docs: every shell block of the documents is sound, and is run or says what it needs", async () => {
  for (const { file, line, mark, text } of await shellBlocks()) {
    const where = `${file}:${line}`;
    assert(["", "cluster", "registry"].includes(mark), `${where} has an unknown mark ${mark}`);
    const { code, text: said } = await run('printf %s "$BLOCK" | sh -n', { BLOCK: text });
    assertEquals(code, 0, `${where}: ${said}`);
    const needsCluster = /^(kubectl|helm)\b|k8s-|control-agent\.sh/m.test(text);
    if (needsCluster) assertEquals(mark, "cluster", `${where} needs a cluster: mark it`);
  }
});

Deno.test("Docs: what can be run of the documents' shell blocks runs", async () => {
  await using db = await testDatabase("docs");
  // The document that docs/commands.md asks about.
  const document = { _id: new ObjectId("65f0c0ffee0123456789abcd"), status: "Pending", country: "FR" };
  await db.db.collection("orders").insertOne(document);
  await using home = await TempDir.make();
  await home.write("processor.js", "export default () => {};\n");
  await Deno.mkdir(`${home.path}/bin`);
  await Deno.symlink(agentBinary(), `${home.path}/bin/pulling-agent`);
  let commands = 0;
  for (const { file, line, text } of (await shellBlocks()).filter(({ mark }) => mark === "")) {
    const lines = text.trim().split("\n").filter((each) => NOT_RUN[each] === undefined);
    if (lines.length === 0) continue;
    // The addresses of the reader's become those of the test's; everything else is run as it stands.
    const script = lines.join("\n")
      .replaceAll(/MONGODB_URI="[^"]*"/g, `MONGODB_URI="${db.uri}"`)
      .replaceAll("module:./processor.js", `module:${home.path}/processor.js`)
      .replaceAll("dist/pulling-agent", agentBinary());
    const { code, text: said } = await run(script, {
      HEALTH_DIR: `${home.path}/health`,
      PATH: `${home.path}/bin:${Deno.env.get("PATH")}`,
      MONGODB_URI: db.uri,
      MONGODB_DATABASE: db.db.databaseName,
      MONGODB_COLLECTION: "orders",
    });
    assertEquals(code, 0, `${file}:${line}\n${script}\n${said}`);
    commands += lines.length;
  }
  assert(commands > 0);
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
    const general = (await run("kubectl options")).text;
    let commands = 0;
    for (const { file, line, text } of (await shellBlocks()).filter(({ mark }) => mark === "cluster")) {
      for (const [, verb, rest] of text.matchAll(/\bkubectl ([a-z]+) ?([^\n|]*)/g)) {
        const command = `${verb} ${SUBCOMMAND.exec(rest!)?.[0] ?? ""}`;
        const { code, text: help } = await run(`kubectl ${command} --help`);
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

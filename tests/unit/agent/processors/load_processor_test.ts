import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { customProcessor } from "../../../../agent/processors/custom.ts";
import { loadProcessor } from "../../../../agent/processors/load_processor.ts";
import type { Processor } from "../../../../agent/processors/processor.ts";
import { logProcessor } from "../../../../agent/processors/log.ts";
import { SILENT } from "../../../support/agent_setup.ts";
import { processorContext } from "../../../support/processor_context.ts";
import { TempDir } from "../../../support/temp_dir.ts";

async function problemOf(name: string): Promise<string> {
  return (await assertRejects(() => loadProcessor(name), UsageError)).message;
}

async function singleProcessor(name: string): Promise<Processor> {
  const processing = await loadProcessor(name);
  assert(processing.kind === "single");
  return processing.process;
}

const CONTEXT = processorContext();

Deno.test("loadProcessor() knows the built-in processors", async () => {
  assertEquals(await loadProcessor("log"), { kind: "single", process: logProcessor });
  assertEquals(await loadProcessor("custom"), { kind: "single", process: customProcessor });
});

Deno.test("loadProcessor() names the choices if it does not know the name", async () => {
  for (const name of ["module", "exec", ""]) {
    assertEquals(
      await problemOf(name),
      `PROCESSOR is "${name}": set it to log, custom, module:PATH, exec:COMMAND or an http(s) address`,
    );
  }
});

for (
  const [name, says] of [
    ["Log", ": did you mean log? It is log, custom, module:PATH, exec:COMMAND or an http(s) address"],
    [" custom", ": did you mean custom? It is log, custom, module:PATH, exec:COMMAND or an http(s) address"],
    ["/path/x.js", ": set PROCESSOR=module:/path/x.js for a file"],
    ["./x.js", ": set PROCESSOR=module:./x.js for a file"],
    ["x.mjs", ": set PROCESSOR=module:x.mjs for a file"],
    ["./handlers/orders", ": set PROCESSOR=module:./handlers/orders for a file"],
    ["file:///a/my%20x.js", ": set PROCESSOR=module:/a/my x.js for a file"],
    ["Module:x.js", ": set PROCESSOR=module:x.js for a file"],
    ["modul: x.js", ": set PROCESSOR=module:x.js for a file"],
    ["module=x.js", ": set PROCESSOR=module:x.js for a file"],
    ["script:x.js", ": set PROCESSOR=module:x.js for a file"],
    ["x.ts", ", which is TypeScript: bundle it to one .js file, and set PROCESSOR=module:x.js"],
    [
      "file:///a/x.mts",
      ", which is TypeScript: bundle it to one .js file, and set PROCESSOR=module:/a/x.js",
    ],
    [
      "https://example.com/x.js",
      ", which the agent does not fetch: bundle it to one file, and set PROCESSOR=module:PATH",
    ],
    ["npm:x", ", which the agent does not fetch: bundle it to one file, and set PROCESSOR=module:PATH"],
  ] as const
) {
  Deno.test(`loadProcessor() says what PROCESSOR=${name} was meant to be`, async () => {
    assertEquals(await problemOf(name), `PROCESSOR is "${name}"${says}`);
  });
}

Deno.test("loadProcessor(): the placeholder says at DEBUG that it saw a document, and succeeds", async () => {
  const said: string[] = [];
  const log = { ...SILENT, debug: (message: string) => void said.push(message) };
  assertEquals(await logProcessor({ _id: 1 }, { ...CONTEXT, log }), undefined);
  assertMatch(said.join(), /set PROCESSOR/);
});

Deno.test("loadProcessor() loads a module's default export and calls it", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write(
    "double.js",
    "export default async ({ n }, { attempt }) => ({ set: { n: 2 * n, attempt } });",
  );
  const process = await singleProcessor(`module:${path}`);
  assertEquals(await process({ n: 21 }, CONTEXT), { set: { n: 42, attempt: 1 } });
});

Deno.test("loadProcessor() takes .mjs and file names with odd characters", async () => {
  await using dir = await TempDir.make();
  for (const name of ["a b#c?d%20é.js", "other.mjs"]) {
    const path = await dir.write(name, `export default () => ${JSON.stringify(name)};`);
    assertEquals((await singleProcessor(`module:${path}`))({}, CONTEXT), name);
  }
});

Deno.test("loadProcessor() finds a module by a relative path", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("relative.js", "export default () => 'found';");
  const relative = "../".repeat(Deno.cwd().split("/").length - 1) + path.slice(1);
  assertEquals((await singleProcessor(`module:${relative}`))({}, CONTEXT), "found");
});

Deno.test("loadProcessor() follows symbolic links such as those of a mounted ConfigMap", async () => {
  await using dir = await TempDir.make();
  await Deno.mkdir(`${dir.path}/..2030_01_01`);
  await dir.write("..2030_01_01/processor.js", "export default () => 'mounted';");
  await Deno.symlink("..2030_01_01", `${dir.path}/..data`);
  await Deno.symlink("..data/processor.js", `${dir.path}/processor.js`);
  const process = await singleProcessor(`module:${dir.path}/processor.js`);
  assertEquals(process({}, CONTEXT), "mounted");
});

Deno.test("loadProcessor() says which file is missing and where it looked", async () => {
  const problem = await problemOf("module:missing/processor.js");
  assertEquals(
    problem,
    `PROCESSOR=module:missing/processor.js does not exist (looked in ${Deno.cwd()}): check the path`,
  );
});

Deno.test("loadProcessor() names the file that has the mistake when the module imports it", async () => {
  await using dir = await TempDir.make();
  const other = await dir.write("other.js", "let x = ;");
  const path = await dir.write("processor.js", 'import "./other.js"; export default () => {};');
  const problem = await problemOf(`module:${path}`);
  assertStringIncludes(problem, `imports ${other}, which is not valid JavaScript, in line 1, column 9: `);
});

Deno.test("loadProcessor() says how JSON is imported", async () => {
  await using dir = await TempDir.make();
  await dir.write("rates.json", "{}");
  const path = await dir.write("processor.js", 'import rates from "./rates.json"; export default () => {};');
  assertEquals(
    await problemOf(`module:${path}`),
    `PROCESSOR=module:${path} imports "./rates.json" without saying that it is JSON: ` +
      'write `import name from "./rates.json" with { type: "json" }`',
  );
});

Deno.test("loadProcessor() refuses a module whose import imports a package, without advice for other programs", async () => {
  await using dir = await TempDir.make();
  await dir.write("other.js", 'import "https://example.com/x.js";');
  const path = await dir.write("processor.js", 'import "./other.js"; export default () => {};');
  const problem = await problemOf(`module:${path}`);
  assertMatch(problem, /imports .* that the agent cannot fetch: bundle/);
  assert(!/--allow|lockfile|deno (add|install)/.test(problem), problem);
});

Deno.test("loadProcessor() refuses a directory and a link that leads nowhere", async () => {
  await using dir = await TempDir.make();
  await Deno.mkdir(`${dir.path}/folder.js`);
  assertMatch(await problemOf(`module:${dir.path}/folder.js`), /is a directory: name the \.js file itself/);
  await Deno.symlink("gone.js", `${dir.path}/dangling.js`);
  assertMatch(await problemOf(`module:${dir.path}/dangling.js`), /does not exist/);
  await Deno.symlink("loop.js", `${dir.path}/loop.js`);
  assertMatch(await problemOf(`module:${dir.path}/loop.js`), /cannot be read/);
});

for (
  const [name, pattern] of [
    ["module:", /names no file: write module:PATH/],
    [
      "module:file:///app/my%20x.js",
      /is a URL: name the file by its path, PROCESSOR=module:\/app\/my x\.js$/,
    ],
    ["module:https://example.org/processor.js", /is a URL, which the agent does not fetch: put the file/],
    ["module:/app/processor.ts", /is TypeScript, which the agent cannot load/],
    ["module:/app/processor.mts", /is TypeScript/],
    ["module:/app/processor.tsx", /is TypeScript/],
    ["module:/app/processor.py", /is not a JavaScript module: name a file that ends in \.js or \.mjs/],
    ["module:/app/processor.cjs", /is a CommonJS module/],
    ["module:/app/processor", /is not a JavaScript module/],
    ["module:/app/processor.json", /is not a JavaScript module/],
  ] as const
) {
  Deno.test(`loadProcessor() refuses ${name}`, async () => assertMatch(await problemOf(name), pattern));
}

for (
  const [what, source, pattern] of [
    ["exports nothing", "const x = 1;", /exports no function as its default \(it exports: nothing\)/],
    [
      "has no default export",
      "export const process = () => {}, b = 1;",
      /\(it exports: b, a number; process, a function\)/,
    ],
    [
      "has a default that is no function",
      "export default { process() {} };",
      /\(it exports: default, an object\)/,
    ],
    ["has a default of another type", "export default null;", /\(it exports: default, null\)/],
    ["has a promise as its default", "export default Promise.resolve(() => {});", /default, Promise\)/],
    [
      "exports both a default function and processBatch",
      "export default () => {}; export const processBatch = () => [];",
      /exports both a default function and processBatch: keep the one to be used/,
    ],
    ["exports a generator", "export default function* () {}", /exports a generator, .* as default/],
    [
      "exports an async generator",
      "export async function* processBatch() {}",
      /exports a generator, .* as processBatch/,
    ],
    [
      "exports a class",
      "export default class Orders { static handle() {} }",
      /exports a class, .* as default/,
    ],
    [
      "has a syntax error",
      "export default () => {\n  let x = ;\n};",
      /is not valid JavaScript, in line 2, column 11: /,
    ],
    ["is empty", " \n", /is empty: write `export default async/],
    [
      "throws while it loads",
      'function url() {\n  throw new Error("no BILLING_URL set");\n}\nurl();',
      /failed while it was loaded \(line 2, column 9\): no BILLING_URL set$/,
    ],
    ["throws no Error while it loads", "throw { code: 5 };", /failed while it was loaded: \{"code":5\}$/],
    [
      "cannot parse its own settings",
      'JSON.parse("{");',
      /failed while it was loaded \(line 1, column 6\): .*JSON/,
    ],
    [
      "is CommonJS",
      "module.exports = () => {};",
      /is a CommonJS module \(module is not defined\): write `export default`/,
    ],
    [
      "requires",
      'const fs = require("fs");\nexport default () => {};',
      /is a CommonJS module \(require is not/,
    ],
    ["is JSON", '{"a": 1}', /is JSON, not JavaScript: name the \.js file itself/],
    ["is a page", "<!doctype html>", /is HTML or XML, not JavaScript/],
    [
      "types its parameters",
      "export default (d: any) => {};",
      /has TypeScript in it.*: bundle it to JavaScript \(.*line 1, column \d+\)/,
    ],
    ["types what it returns", "export default (d): Promise<void> => {};", /has TypeScript in it/],
    [
      "declares an interface",
      "interface Order { id: string }\nexport default () => {};",
      /has TypeScript in it/,
    ],
    ["imports types", 'import type { A } from "a";\nexport default () => {};', /has TypeScript in it/],
    [
      "imports a package by its bare name",
      'import x from "some-package";',
      /imports "some-package", which the agent cannot fetch: bundle the module and all that it imports/,
    ],
    [
      "imports a package of JSR",
      "export { x as default } from 'jsr:@scope/name@^1';",
      /processor\.js imports "jsr:@scope\/name@\^1", which the agent cannot fetch: bundle [^:]*$/,
    ],
    [
      "imports from an address",
      'import x from "https://example.com/x.js"; export default () => {};',
      /processor\.js imports "https:\/\/example\.com\/x\.js", which the agent cannot fetch: bundle [^:]*$/,
    ],
    [
      "has a mistake that only the engine finds",
      "const x;\nexport default () => {};",
      /is not valid JavaScript, in line 1, column 7: Missing initializer in const declaration$/,
    ],
    [
      "imports a package in the middle of it",
      'await import("some-package"); export default () => {};',
      /imports "some-package", which the agent cannot fetch/,
    ],
    [
      "imports a module of Node that is none",
      'import "node:pg"; export default () => {};',
      /imports "node:pg", which Deno does not have/,
    ],
    [
      "imports a file that is not there",
      'import "./gone.js"; export default () => {};',
      /imports \/.*\/gone\.js, which does not exist: put it there/,
    ],
    [
      "imports a name that is not there",
      'import { nope } from "node:fs"; export default () => {};',
      /cannot be loaded, in line 1, column 10: .*'node:fs'.*'nope'/,
    ],
  ] as const
) {
  Deno.test(`loadProcessor() refuses a module that ${what}`, async () => {
    await using dir = await TempDir.make();
    const problem = await problemOf(`module:${await dir.write("processor.js", source)}`);
    assertMatch(problem, pattern);
    assert(!problem.includes("\n"), "one line is enough");
  });
}

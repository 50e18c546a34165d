import { assertEquals } from "@std/assert";
import { checkExports } from "../../scripts/check_exports.ts";

/** Runs the check on a tree of the given files. */
async function problemsOf(files: Record<string, string>): Promise<string[]> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    return await checkExports(root, Object.keys(files));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const DEAD: [title: string, files: Record<string, string>, problem: string][] = [
  [
    "that no file mentions",
    { "agent/a.ts": "/** a. */\nexport function a() {}\n" },
    "agent/a.ts:2 exports a, which nothing uses: remove it",
  ],
  [
    "that its own file alone uses",
    { "agent/a.ts": "export const a = 1;\nconsole.log(a);\n" },
    "agent/a.ts:1 exports a, which only this file uses: do not export it",
  ],
  [
    "that tests alone use",
    {
      "agent/a.ts": "export async function a() {}\n",
      "tests/unit/a_test.ts": 'import { a } from "../../agent/a.ts";\n',
    },
    "agent/a.ts:1 exports a, which only tests use: remove it, or move it to the tests",
  ],
  [
    "whose name another file imports from another place",
    {
      "agent/a.ts": "export class A {}\n",
      "agent/b.ts": "export class A {}\n",
      "main.ts": 'import { A } from "./agent/b.ts";\n',
    },
    "agent/a.ts:1 exports A, which nothing uses: remove it",
  ],
];
for (const [title, files, problem] of DEAD) {
  Deno.test(`checkExports reports an export ${title}`, async () => {
    assertEquals(await problemsOf(files), [problem]);
  });
}

const USERS: [title: string, text: string][] = [
  ["an import", 'import { a } from "../agent/a.ts";\n'],
  ["an import of a type beside others", 'import {\n  type a,\n  type b as c,\n} from "../agent/a.ts";\n'],
  ["an import under another name", 'import { a as b } from "../agent/a.ts";\n'],
  ["an import of everything", 'import * as everything from "../agent/a.ts";\n'],
  ["a dynamic import", 'const { a } = await import("../agent/a.ts");\n'],
  ["a member of a dynamic import", 'const a = (await import("../agent/a.ts")).a;\n'],
  ["a dynamic import that is handed on", 'use(() => import("../agent/a.ts"));\n'],
  ["a re-export", 'export { a } from "../agent/a.ts";\n'],
];
for (const [title, text] of USERS) {
  Deno.test(`checkExports takes ${title} for a use`, async () => {
    assertEquals(await problemsOf({ "agent/a.ts": "export const a = 1;\n", "control/b.ts": text }), []);
  });
}

Deno.test("checkExports lets a type be exported that is part of a signature", async () => {
  const text = "export interface Options {}\nexport function a(options: Options) {}\n";
  assertEquals(
    await problemsOf({ "agent/a.ts": text, "main.ts": 'import { a } from "./agent/a.ts";\n' }),
    [],
  );
});

import { assertEquals } from "@std/assert";
import { frameIn } from "../../../../agent/processors/frame.ts";

const ROOT = new URL("../../../../", import.meta.url).pathname;

for (
  const [what, stack, found] of [
    ["the processor's own", "at f (file:///app/p.js:3:5)\n at g (file:///app/p.js:9:1)", "/app/p.js:3"],
    ["an async one", "at async default (file:///app/p.js:3:5)", "/app/p.js:3"],
    ["one without a name", "    at file:///app/p.js:3:5", "/app/p.js:3"],
    [
      "the processor's before that of what it imports",
      "at f (file:///app/lib/x.js:1:1)\n at file:///app/p.js:9:1",
      "/app/p.js:9",
    ],
    ["that of what it imports, if no other is there", "at f (file:///app/lib/x.js:1:1)", "/app/lib/x.js:1"],
    ["a name with a blank", "at f (file:///app/lib/my%20x.js:1:1)", "/app/lib/my x.js:1"],
    ["none of the runtime's", "at fetch (ext:deno_fetch/26_fetch.js:4:5)", undefined],
    ["none of another folder", "at f (file:///tmp/agent/x.ts:1:1)", undefined],
    ["none if there is no stack", undefined, undefined],
    ["none in a stack that is not text", 5, undefined],
  ] as const
) {
  Deno.test(`frameIn() finds ${what}`, () => {
    const frame = frameIn({ stack }, "/app/p.js");
    assertEquals(frame && `${frame.file}:${frame.line}`, found);
  });
}

Deno.test("frameIn() takes no frame of the agent's for one of a processor beside it", () => {
  const stack = `at run (file://${ROOT}agent/handling/pool.ts:1:1)\n at file://${ROOT}main.ts:1:1`;
  assertEquals(frameIn({ stack }, `${ROOT}processor.js`), undefined);
});

Deno.test("frameIn() takes no frame of the executable's for one of a processor in the folder for temporary files", () => {
  const stack = "at run (file:///tmp/deno-compile-pulling-agent/agent/handling/pool.ts:1:1)";
  assertEquals(frameIn({ stack }, "/tmp/processor.js"), undefined);
});

Deno.test("frameIn() never throws", () => {
  const error = {
    get stack() {
      throw new Error("no");
    },
  };
  for (const each of [error, null, undefined, "text"]) assertEquals(frameIn(each, "/app/p.js"), undefined);
});

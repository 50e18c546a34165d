import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { batchesOf, MODULES, spread } from "../../scripts/lanes.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

Deno.test("spread() gives those that wait one process, each long file one, in their order, then the rest by folder, and last what needs no server", () => {
  const files = [
    "tests/e2e/a_test.ts",
    "tests/e2e/b_test.ts",
    "tests/e2e/c_test.ts",
    "tests/e2e/v_test.ts",
    "tests/e2e/w_test.ts",
    "tests/unit/x/u_test.ts",
  ];
  const batches = spread(files, {
    waiting: ["tests/e2e/w_test.ts", "tests/thorough/x_test.ts", "tests/e2e/v_test.ts"],
    long: ["tests/e2e/c_test.ts", "tests/thorough/d_test.ts", "tests/e2e/a_test.ts"],
  });
  assertEquals(batches.map(({ files, modules, needsServers }) => [needsServers, modules, files]), [
    [true, undefined, ["tests/e2e/w_test.ts", "tests/e2e/v_test.ts"]],
    [true, undefined, ["tests/e2e/c_test.ts"]],
    [true, undefined, ["tests/e2e/a_test.ts"]],
    [true, 1, ["tests/e2e/b_test.ts"]],
    [false, MODULES, ["tests/unit/x/u_test.ts"]],
  ]);
});

Deno.test("spread() runs every file once, however many there are", () => {
  for (let count = 0; count < 40; count++) {
    const files = Array.from({ length: count }, (_, at) => `tests/integration/${at}_test.ts`);
    const spreadOut = spread(files).flatMap((batch) => batch.files);
    assertEquals(spreadOut.toSorted(), files.toSorted());
  }
});

Deno.test("batchesOf() runs every test file in the lane all, and no build and no MongoDB in the lane unit", async () => {
  const files: string[] = [];
  for await (const { path } of walk(`${ROOT}/tests`, { match: [/_test\.ts$/] })) {
    files.push(path.slice(ROOT.length + 1));
  }
  const all = batchesOf("all", ROOT).filter(({ options }) => !options.includes("--doc"));
  assertEquals(all.flatMap((batch) => batch.files).sort(), files.sort());
  const unit = batchesOf("unit", ROOT);
  assert(unit.every(({ needsServers }) => !needsServers));
  assertEquals(unit.find(({ name }) => name === "tests/unit")?.modules, MODULES);
});

Deno.test("batchesOf() runs the examples of doc comments in every lane", () => {
  for (const lane of ["unit", "test", "all"] as const) {
    const examples = batchesOf(lane, ROOT).find(({ options }) => options.includes("--doc"));
    assert(examples!.files.includes("scripts/junit.ts"), lane);
  }
});

Deno.test("deno test finds tests under tests/ and nothing to run beside them", async () => {
  const taken: string[] = [];
  for (const folder of ["agent", "bench", "control", "health", "models", "offline", "scripts"]) {
    for await (const { path } of walk(`${ROOT}/${folder}`, { match: [/(^|[/._])test\.[cm]?[jt]sx?$/] })) {
      taken.push(path.slice(ROOT.length + 1));
    }
  }
  assertEquals(taken, []);
});

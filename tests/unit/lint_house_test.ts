import { assertEquals } from "@std/assert";
import plugin from "../../scripts/lint/house.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The rules that a file breaks. */
function brokenBy(path: string, text: string): string[] {
  return Deno.lint.runPlugin(plugin, path, text).map(({ id }) => id);
}

Deno.test("house/no-console refuses output in the program, and there alone", () => {
  const text = 'console.error("gone");';
  for (const path of ["agent/store/link.ts", "control/commands/help.ts", "health/probe.ts", "main.ts"]) {
    assertEquals(brokenBy(`${ROOT}${path}`, text), ["house/no-console"], path);
  }
  for (const path of ["scripts/agent/a.ts", "tests/unit/agent/a_test.ts"]) {
    assertEquals(brokenBy(`${ROOT}${path}`, text), [], path);
  }
});

Deno.test("house/no-exit refuses the end of the process in the product, but for the one place that ends it", () => {
  for (const text of ["Deno.exit(1);", "Deno.exitCode = 1;", "process.exit(1);"]) {
    for (const path of ["main.ts", "control/interruption.ts", "health/probe.ts", "agent/agent.ts"]) {
      assertEquals(brokenBy(`${ROOT}${path}`, text), ["house/no-exit"], `${path}: ${text}`);
    }
    for (const path of ["agent/processors/exit_guard.ts", "scripts/dev.ts", "bench/main.ts"]) {
      assertEquals(brokenBy(`${ROOT}${path}`, text), [], path);
    }
  }
  assertEquals(brokenBy(`${ROOT}main.ts`, "leave(1);"), []);
});

Deno.test("house/no-own-time refuses time and chance of the runtime in the product, but for where they are taken", () => {
  const texts = [
    "setTimeout(wake, 5);",
    "globalThis.clearInterval(timer);",
    "const now = performance.now();",
    "draw(Math.random);",
    "fetch(url, { signal: AbortSignal.timeout(5) });",
  ];
  for (const text of texts) {
    for (const path of ["main.ts", "agent/store/link.ts", "control/signals.ts", "health/probe.ts"]) {
      assertEquals(brokenBy(`${ROOT}${path}`, text), ["house/no-own-time"], `${path}: ${text}`);
    }
    for (const path of ["agent/lib/clock.ts", "scripts/dev.ts", "tests/support/wait.ts"]) {
      assertEquals(brokenBy(`${ROOT}${path}`, text), [], `${path}: ${text}`);
    }
  }
  for (const text of ["socket.setTimeout(0);", "clock.monotonicMs();", "random();"]) {
    assertEquals(brokenBy(`${ROOT}agent/agent.ts`, text), [], text);
  }
});

Deno.test("house/keep-cause refuses an error that hides the one that was caught", () => {
  const within = (thrown: string, caught = "(error)") =>
    `try { act(); } catch ${caught} { throw ${thrown}; }`;
  const path = `${ROOT}agent/store/link.ts`;
  for (const thrown of ["new Error(`not so: ${error}`)", 'new UsageError("no", { status: 2 })']) {
    assertEquals(brokenBy(path, within(thrown)), ["house/keep-cause"], thrown);
  }
  for (const thrown of ['new Error("no", { cause: error })', "new FilterError(error)", "error"]) {
    assertEquals(brokenBy(path, within(thrown)), [], thrown);
  }
  assertEquals(brokenBy(path, within('new Error("no")', "")), []);
  assertEquals(brokenBy(`${ROOT}scripts/dev.ts`, within('new Error("no")')), []);
});

Deno.test("house/no-fixed-sleep refuses a test that waits for a time, not one that only yields or asks late", () => {
  const path = `${ROOT}tests/integration/a_test.ts`;
  assertEquals(brokenBy(path, "await new Promise((resolve) => setTimeout(resolve, 50));"), [
    "house/no-fixed-sleep",
  ]);
  for (
    const text of [
      "await new Promise((resolve) => setTimeout(resolve, 0));",
      "const timer = setTimeout(resolve, 50);",
      'const module = "await new Promise((resolve) => setTimeout(resolve, 50))";',
    ]
  ) assertEquals(brokenBy(path, text), [], text);
  assertEquals(
    brokenBy(`${ROOT}scripts/a.ts`, "await new Promise((resolve) => setTimeout(resolve, 50));"),
    [],
  );
});

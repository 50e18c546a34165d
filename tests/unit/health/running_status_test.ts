import { assert, assertEquals } from "@std/assert";
import { runningStatus } from "../../../health/running_status.ts";
import { ReporterSetup } from "../../support/reporter_setup.ts";

const document = (id: unknown, progress?: { fraction?: number; text?: string }) => ({
  id,
  attempt: 2,
  elapsedMs: 5000,
  progress,
});

const NOW = { at: "2026-01-02T03:04:05.000Z", formatId: String };

Deno.test("runningStatus() tells since when, and leaves out what a handler has not said", () => {
  const [plain, half] = runningStatus([document(7), document("b", { fraction: 0.5 })], NOW);
  assertEquals([plain!.id, plain!.attempt, Object.keys(plain!)], ["7", 2, ["id", "attempt", "since"]]);
  assertEquals(plain!.since, "2026-01-02T03:04:00.000Z");
  assertEquals([half!.progress, "text" in half!], [0.5, false]);
});

Deno.test("runningStatus() cuts texts, hides credentials, and shows what a terminal must not get as escapes", () => {
  const text = `at mongodb://u:p@host/ \u001b[2J ${"x".repeat(500)}`;
  const [shown] = runningStatus([document("c".repeat(1000), { text })], NOW);
  assertEquals([shown!.id.length, shown!.text!.length], [200, 200]);
  assert(shown!.text!.startsWith("at mongodb://***@host/ \\u001b[2J xxx"));
});

Deno.test("HealthReporter names ten of the documents that are being processed, those that run longest", async () => {
  await using setup = await ReporterSetup.ready();
  setup.running = Array.from({ length: 12 }, (_, id) => document(id));
  setup.reporter.refresh();
  const { running } = await setup.status("the documents", (status) => status.running?.length !== 0);
  assertEquals(running!.map(({ id }) => id), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

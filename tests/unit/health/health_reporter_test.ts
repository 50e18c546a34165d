import { assertEquals, assertStringIncludes } from "@std/assert";
import type { AgentEvent } from "../../../agent/events.ts";
import { reachable, ReporterSetup } from "../../support/reporter_setup.ts";
import { waitFor } from "../../support/wait.ts";

const CLAIM_FAILED: AgentEvent = { type: "claim_failed", error: new Error("no primary"), retryInMs: 5 };
const ACKS_REFUSED = Array.from({ length: 5 }, (): AgentEvent => ({
  type: "settle_failed",
  kind: "ack",
  documents: 1,
  error: new Error("unknown"),
  retryInMs: 5,
  isDoubtful: true,
}));
const released = (documents: number, inDoubt: number): AgentEvent => ({
  type: "released",
  documents,
  aborted: 0,
  inDoubt,
});
const CLAIMED: AgentEvent = { type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 };

Deno.test("HealthReporter writes a heartbeat again and again while the loop makes progress", async () => {
  await using s = await ReporterSetup.make();
  s.progress(60_000);
  const first = await waitFor("a heartbeat", () => s.read("liveness"));
  const { at, stage } = JSON.parse(first);
  assertEquals([new Date(at).toISOString(), stage], [at, "claiming"]);
  await waitFor("the next heartbeat", async () => await s.read("liveness") !== first);
});

Deno.test("HealthReporter writes no heartbeat before the loop has started", async () => {
  await using s = await ReporterSetup.make();
  await s.beats(3);
  assertEquals([await s.has("liveness"), await s.has("startup")], [false, false]);
});

Deno.test("HealthReporter stops the heartbeat of a stuck loop, and goes on when it moves again", async () => {
  await using s = await ReporterSetup.make();
  s.progress(60_000);
  await waitFor("a heartbeat", () => s.has("liveness"));
  s.progress(-1);
  assertEquals((await s.status("stuck", ({ loop }) => loop.stuck)).loop.stage, "claiming");
  const last = await s.read("liveness");
  await s.beats(3);
  assertEquals(await s.read("liveness"), last);
  s.progress(60_000);
  await waitFor("the next heartbeat", async () => await s.read("liveness") !== last);
});

Deno.test("HealthReporter goes on with the heartbeat if the metrics cannot be made, and reports why", async () => {
  const errors: string[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  addEventListener("error", onError);
  try {
    await using s = await ReporterSetup.make();
    s.reporter.writeMetrics(() => {
      throw new Error("no numbers");
    });
    s.progress(60_000);
    const first = await waitFor("a heartbeat", () => s.read("liveness"));
    await waitFor("the next heartbeat", async () => await s.read("liveness") !== first);
    assertEquals([errors[0], await s.has("metrics.prom")], ["no numbers", false]);
  } finally {
    removeEventListener("error", onError);
  }
});

Deno.test("HealthReporter goes on with the heartbeat while MongoDB is out of reach", async () => {
  await using s = await ReporterSetup.make();
  s.progress(60_000);
  s.emit(reachable(false), ...Array.from({ length: 20 }, () => CLAIM_FAILED));
  const first = await waitFor("a heartbeat", () => s.read("liveness"));
  await waitFor("the next heartbeat", async () => await s.read("liveness") !== first);
});

Deno.test("HealthReporter reports the end of the startup once the loop has started, with MongoDB or without", async () => {
  await using s = await ReporterSetup.make();
  s.progress(60_000);
  const { at } = JSON.parse(await waitFor("startup", () => s.read("startup")));
  assertEquals(new Date(at).toISOString(), at);
});

/** Events after which an agent is ready or not. */
const READINESS: [string, (s: ReporterSetup) => void, boolean, readyWhilePaused?: boolean][] = [
  ["is running and connected", (s) => (s.enter("running"), s.emit(reachable(true))), true],
  ["is connected, but has not started", (s) => s.emit(reachable(true)), false],
  ["is running, but not connected", (s) => s.enter("running"), false],
  ["has lost MongoDB", (s) => (s.enter("running"), s.emit(reachable(true), reachable(false))), false],
  ["has MongoDB back", (s) => (s.enter("running"), s.emit(reachable(false), reachable(true))), true],
  ["is paused", (s) => (s.enter("running", "paused"), s.emit(reachable(true))), false],
  ["is paused and may be ready so", (s) => (s.enter("paused"), s.emit(reachable(true))), true, true],
  ["is draining", (s) => (s.emit(reachable(true)), s.enter("running", "draining")), false],
  [
    "is draining and may be ready while paused",
    (s) => (s.emit(reachable(true)), s.enter("draining")),
    false,
    true,
  ],
  ["failed one claim", (s) => (s.enter("running"), s.emit(reachable(true), CLAIM_FAILED)), true],
  [
    "failed two claims",
    (s) => (s.enter("running"), s.emit(reachable(true), CLAIM_FAILED, CLAIM_FAILED)),
    false,
  ],
  [
    "claimed after failures",
    (s) => (s.enter("running"), s.emit(reachable(true), CLAIM_FAILED, CLAIM_FAILED, CLAIMED)),
    true,
  ],
  ["had five acks refused", (s) => (s.enter("running"), s.emit(reachable(true), ...ACKS_REFUSED)), false],
  [
    "released documents because their acks are refused",
    (s) => (s.enter("running"), s.emit(reachable(true), ...ACKS_REFUSED, released(2, 2))),
    false,
  ],
  [
    "released documents although acks were refused",
    (s) => (s.enter("running"), s.emit(reachable(true), ...ACKS_REFUSED, released(2, 1))),
    true,
  ],
  [
    "failed claims now and then",
    (s) => (s.enter("running"), s.emit(reachable(true), CLAIM_FAILED, CLAIMED, CLAIM_FAILED, CLAIMED)),
    true,
  ],
];
for (const [name, happen, isReady, readyWhilePaused] of READINESS) {
  Deno.test(`HealthReporter: an agent that ${name} is ${isReady ? "" : "not "}ready`, async () => {
    await using s = await ReporterSetup.make({ readyWhilePaused });
    // Ready before, so that a readiness file which should go is there to go.
    s.enter("running");
    s.emit(reachable(true));
    await waitFor("readiness", () => s.has("readiness"));
    s.emit(reachable(false), CLAIMED);
    s.enter("starting");
    await waitFor("no readiness", async () => !await s.has("readiness"));
    happen(s);
    await s.status("the status to say so", ({ ready }) => ready === isReady);
    await s.beats(2);
    assertEquals(await s.has("readiness"), isReady);
  });
}

Deno.test("HealthReporter writes into the status what the agent is, does and has counted", async () => {
  await using s = await ReporterSetup.make();
  Object.assign(s.control, { state: "paused", source: "file" });
  s.progress(60_000);
  s.enter("paused");
  s.emit(reachable(true), { type: "processed", documents: 4 });
  const status = await s.status("the counters", ({ counters }) => counters.processed === 4);
  assertEquals(status.pid, Deno.pid);
  assertEquals([status.name, status.version, status.state], ["pod-1", "1.2.3", "paused"]);
  assertEquals(status.control, { state: "paused", source: "file", since: "1970-01-01T00:00:00.000Z" });
  assertEquals([status.ready, status.connected], [false, true]);
  assertEquals([status.loop.stage, status.loop.stuck], ["claiming", false]);
  assertEquals([status.trouble, status.last_minute?.processed, status.backlog], [undefined, 4, undefined]);
  assertEquals(status.held, { documents: 3, running: 2 });
  assertEquals(status.last_error, undefined);
  assertEquals((await s.read("status.json")).split("\n").length, 2, "one line");
});

Deno.test("HealthReporter shows in the status how many documents are left alone, and nothing once they are gone", async () => {
  await using s = await ReporterSetup.make();
  const group = { documents: 2, isMore: false, example: "a", reason: "no date" };
  s.emit({ type: "left_alone", groups: [group, { ...group, documents: 3, example: "b" }] });
  const { left_alone: left } = await s.status("it", (status) => status.left_alone !== undefined);
  assertEquals(left, { documents: 5, example: "a", reason: "no date" });
  s.emit({ type: "left_alone", groups: [] });
  await s.status("nothing", (status) => status.left_alone === undefined);
});

Deno.test("HealthReporter keeps the last error in the status, without credentials and cut to size", async () => {
  await using s = await ReporterSetup.make();
  s.emit({ ...CLAIM_FAILED, error: new Error("cannot reach mongodb://user:hunter2@db") } as AgentEvent);
  const { last_error: error } = await s.status("the error", ({ last_error: error }) => error !== undefined);
  assertEquals(error!.message, "cannot reach mongodb://***@db");
  s.emit({ type: "unhandled_error", error: "x".repeat(10_000) });
  await s.status("the next error", ({ last_error: error }) => error?.message === "x".repeat(499) + "…");
});

Deno.test("HealthReporter reports once per failure that its files cannot be written, and goes on when they can", async () => {
  await using s = await ReporterSetup.make();
  const write = s.directory.write.bind(s.directory);
  let isFull = true;
  let refused = 0;
  s.directory.write = (file, content) => {
    if (!isFull) return write(file, content);
    refused += 1;
    return Promise.reject(new Error(`No space left on device: ${file}`));
  };
  s.progress(60_000);
  await waitFor("many failures", () => refused > 20);
  const [told, ...others] = s.problems.splice(0);
  assertEquals(others, [], "one problem of a directory is enough");
  assertStringIncludes(told!, `The health directory ${s.path} cannot be written: No space left on device: `);
  isFull = false;
  await waitFor("a heartbeat", () => s.has("liveness"));
  await s.beats(2);
  assertEquals(s.mended, [`The health directory ${s.path} can be written again`]);
  isFull = true;
  await waitFor("a report of the second time", () => s.problems.length > 0);
});

Deno.test("HealthReporter.answer() counts in the status that a command asked", async () => {
  await using setup = await ReporterSetup.make();
  assertEquals((await setup.status("a status", () => true)).answers, 0);
  setup.reporter.answer();
  await setup.status("the answer", ({ answers }) => answers === 1);
});

Deno.test("HealthReporter.stop() removes every file", async () => {
  const s = await ReporterSetup.make();
  s.progress(60_000);
  s.enter("running");
  s.emit(reachable(true));
  await waitFor("readiness", () => s.has("readiness"));
  await s.reporter.stop();
  assertEquals([...Deno.readDirSync(s.path)].map(({ name }) => name), ["agent.lock"]);
  await Deno.remove(s.path, { recursive: true });
});

Deno.test("HealthReporter asks once for the files when an operator pauses or resumes, in any state of the agent", async () => {
  await using s = await ReporterSetup.ready();
  await s.atRest();
  let asked = 0;
  const refresh = s.reporter.refresh.bind(s.reporter);
  s.reporter.refresh = () => {
    asked += 1;
    refresh();
  };
  s.pause(true);
  assertEquals(asked, 1);
  s.pause(false);
  assertEquals(asked, 2);
  s.enter("draining");
  assertEquals(asked, 3);
  // A draining agent stays in its state.
  s.control.state = "paused";
  s.emit({ type: "pause_changed", state: "paused", source: "file" });
  assertEquals(asked, 4);
  await s.status("the control", ({ control }) => control.state === "paused");
});

Deno.test("HealthReporter shows in the status what waits as long as it is known, and what is missing stays missing", async () => {
  await using s = await ReporterSetup.make();
  s.emit({
    type: "backlog_seen",
    backlog: { claimable: 7, oldestMs: 61_400, deadLetters: undefined },
    agoMs: 0,
  });
  const { backlog } = await s.status("what waits", ({ backlog }) => backlog !== undefined);
  assertEquals(backlog, { claimable: 7, oldest_s: 61, at: backlog!.at });
  s.emit({
    type: "backlog_seen",
    backlog: { claimable: undefined, oldestMs: undefined, deadLetters: undefined },
    agoMs: 0,
  });
  await s.status("nothing", ({ backlog }) => backlog === undefined);
});

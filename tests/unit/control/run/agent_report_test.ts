import { assertEquals } from "@std/assert";
import { troubleText } from "../../../../control/fleet/trouble_text.ts";
import { agentReport } from "../../../../control/run/agent_report.ts";
import type { Status } from "../../../../health/status.ts";

const AT = "2026-01-01T12:00:00.000Z";
/** The status of an agent that works, as far as a report needs it. */
const WORKING = {
  state: "running",
  ready: true,
  loop: { stage: "claiming", stuck: false, since: AT },
  control: { state: "running", source: "start", since: AT },
  held: { documents: 2, running: 1 },
  counters: {},
} as Status;
const NOTHING = { controlId: undefined, history: undefined };

Deno.test("agentReport() shows operators an agent whose poll loop does not move, although its beats go on", () => {
  const { isReady, trouble } = agentReport(WORKING, NOTHING);
  assertEquals([isReady, trouble], [true, undefined]);
  const stuck = agentReport({ ...WORKING, loop: { ...WORKING.loop, stuck: true } }, NOTHING);
  assertEquals([stuck.isReady, troubleText(stuck.trouble!)], [
    false,
    'the poll loop does not move: it is in the stage "claiming"',
  ]);
});

Deno.test("agentReport() tells what keeps an agent from work, with the last error", () => {
  const trouble = { what: "unreachable", since: AT, message: "no answer" } as Status["trouble"];
  const report = agentReport({ ...WORKING, ready: false, trouble }, NOTHING);
  assertEquals([report.isReady, troubleText(report.trouble!)], [false, "MongoDB is out of reach: no answer"]);
});

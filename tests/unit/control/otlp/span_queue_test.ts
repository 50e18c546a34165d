import { assertEquals, assertMatch } from "@std/assert";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { SYSTEM } from "../../../../agent/lib/time_and_chance.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import type { Destination } from "../../../../control/otlp/destinations.ts";
import { Sender } from "../../../../control/otlp/sender.ts";
import { SpanQueue } from "../../../../control/otlp/span_queue.ts";
import { Trouble } from "../../../../control/otlp/trouble.ts";
import { OtlpReceiver } from "../../../support/otlp_receiver.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";
import { waitFor } from "../../../support/wait.ts";

const NEVER = new AbortController().signal;

Deno.test("SpanQueue drops spans that cannot be encoded, and reports them: those behind them are sent", async () => {
  await using collector = new OtlpReceiver();
  const lines = new RecordedLines();
  const log = new Logger({ level: "DEBUG", format: "text", output: lines });
  const to: Destination = {
    signal: "traces",
    url: new URL(`${collector.endpoint}/v1/traces`),
    shown: "collector",
    protocol: "http/json",
    headers: [],
    headersFile: undefined,
    timeoutMs: 5000,
    caFile: undefined,
  };
  let calls = 0;
  const serializeRequest = () => {
    calls += 1;
    if (calls === 1) throw new Error("no code point");
    return new TextEncoder().encode('{"resourceSpans":[]}');
  };
  const sender = new Sender(to, log, SYSTEM.clock);
  const queue = new SpanQueue({
    ...SYSTEM,
    sender,
    serializer: { serializeRequest },
    trouble: new Trouble(to, log, SYSTEM.clock),
    maxSpans: 10,
    delayMs: 1,
    ending: NEVER,
  });
  const span = () => {
    queue.onStart();
    queue.onEnd({} as ReadableSpan);
  };
  span();
  await waitFor("the line", () => lines.lines.length > 0);
  assertMatch(lines.lines[0]!, /signal=traces .*cannot be encoded: no code point.* lost=1$/);
  span();
  await queue.flush(NEVER);
  await sender.close();
  assertEquals(collector.requests.length, 1);
});

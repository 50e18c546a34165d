/**
 * Programs under test, run as a processor without an agent.
 *
 * @module
 */

import { assert, assertRejects } from "@std/assert";
import { type ExecSettings, loadExec } from "../../agent/processors/exec/exec.ts";
import type { Processor, ProcessorContext } from "../../agent/processors/processor.ts";
import { recordedForeignLog } from "./foreign_log.ts";
import { processorContext } from "./processor_context.ts";
import { isGone } from "./proc.ts";
import { TempDir } from "./temp_dir.ts";
import { waitFor } from "./wait.ts";

/** A Python program that answers line after line; `body` may use `id`, `document` and `order`, and sets `answer`. */
export const python = (body: string) =>
  `import json, os, sys, time, threading, subprocess, signal
def say(value):
    sys.stdout.write(json.dumps(value) + "\\n")
    sys.stdout.flush()
count = 0
for line in sys.stdin:
    order = json.loads(line)
    id, document = order["id"], order.get("document")
    count += 1
    answer = {"id": id, "ok": True, "result": {"set": {"pid": os.getpid()}}}
${body.split("\n").map((each) => `    ${each}`).join("\n")}
    say(answer)
`;

/** A program under test. `await using` ends its processes. */
export async function program(
  source: string,
  { settings = {}, with: interpreter = "python3", args = "" }: {
    settings?: ExecSettings;
    with?: string;
    args?: string;
  } = {},
) {
  const dir = await TempDir.make();
  await Deno.writeTextFile(`${dir.path}/program`, source);
  return await started(`${interpreter} ${dir.path}/program ${args}`, settings, dir);
}

/** Loads a command as the processor, and calls it as the agent does. `await using` ends its processes. */
export async function started(command: string, settings: ExecSettings = {}, dir?: TempDir) {
  const log = recordedForeignLog();
  const processing = await loadExec(command, settings, log);
  const run = async (
    document: Record<string, unknown> = {},
    signal = new AbortController().signal,
    given: Partial<ProcessorContext> = {},
  ) => {
    const context = processorContext({ snoozes: 2, signal, ...given });
    return await (processing as { process: Processor }).process({ _id: 1, ...document }, context);
  };
  const runBatch = async (documents: Record<string, unknown>[]) => {
    assert(processing.kind === "batch");
    return await processing.processBatch(documents, {
      attempts: documents.map(() => 1),
      snoozes: documents.map((_, at) => at),
      idempotencyKeys: documents.map(() => "key"),
      signal: new AbortController().signal,
    } as never);
  };
  return {
    log,
    dir,
    processing,
    run,
    runBatch,
    close: (limitMs = 10_000, signal = new AbortController().signal) => processing.close!(limitMs, signal),
    async [Symbol.asyncDispose]() {
      await processing.close!(0, AbortSignal.abort());
      await dir?.[Symbol.asyncDispose]();
    },
  };
}

/** The message of the error that a run ends with. */
export const failure = async (run: Promise<unknown>) => (await assertRejects(() => run, Error)).message;
/** Resolves once a process has ended. */
export const untilGone = (pid: number) => waitFor(`process ${pid} to end`, () => isGone(pid));

import { type Detail, Details } from "../../agent/details.ts";
import { Events } from "../../agent/events.ts";
import { type OpenRun, runHandler } from "../../agent/handling/handler_run.ts";
import { LeftBehind } from "../../agent/handling/left_behind.ts";
import { SharedDeadline } from "../../agent/handling/shared_deadline.ts";
import { StopNotice } from "../../agent/handling/stop_notice.ts";
import { type Held, Ledger } from "../../agent/leases/ledger.ts";
import type { Processing, Processor } from "../../agent/processors/processor.ts";
import type { HandlerResult } from "../../agent/settling/outcome.ts";
import { SILENT_LOGS } from "./agent_setup.ts";
import { EventRecorder } from "./event_recorder.ts";
import { type FakeDocument, fakeDocument } from "./fake_document.ts";
import { ManualClock } from "./manual_clock.ts";
import { TARGETS } from "./results.ts";

/** What a run may take, in milliseconds. */
export const LIMIT_MS = 1000;

/** One run of a handler, by a clock in the test's hands. */
export class HandlerRunSetup {
  readonly clock = new ManualClock();
  readonly leftBehind = new LeftBehind();
  readonly timeLimit = new SharedDeadline<OpenRun>(this.clock, LIMIT_MS);
  readonly recorder: EventRecorder;
  readonly stopNotice = new StopNotice();
  /** The checkpoints that are to be written. */
  readonly saving: unknown[] = [];
  /** The details of the run. */
  readonly told: Detail[] = [];
  readonly held: Held[];
  /** Undefined as long as the run goes on. */
  results: HandlerResult[] | undefined;

  constructor(
    processing: Processor | Processing,
    { documents = 1, document = {} }: { documents?: number; document?: Partial<FakeDocument> } = {},
  ) {
    const { clock, leftBehind } = this;
    const events = new Events();
    const details = new Details();
    details.subscribe((detail) => this.told.push(detail));
    const ledger = new Ledger();
    this.recorder = new EventRecorder(events);
    this.held = Array.from(
      { length: documents },
      (_, id) => ledger.add(fakeDocument({ id, attempt: id + 1, ...document })),
    );
    runHandler(this.held, {
      clock,
      details,
      events,
      leftBehind,
      processing: typeof processing === "function" ? { kind: "single", process: processing } : processing,
      processTimeoutMs: LIMIT_MS,
      timeLimit: this.timeLimit,
      logs: SILENT_LOGS,
      targets: TARGETS,
      saver: { saveSoon: (document) => this.saving.push(document.checkpoints?.take()) },
      stopNotice: this.stopNotice,
    }).then((results) => this.results = results);
  }

  /** What the first document's failure was. */
  get error(): unknown {
    const [result] = this.results ?? [];
    return result && !result.ok ? result.error : undefined;
  }
}

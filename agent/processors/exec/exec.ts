import { SYSTEM } from "../../lib/time_and_chance.ts";
import type { Settings } from "../../settings/settings.ts";
import { answeredResult } from "../answers/answered.ts";
import { Answers } from "../answers/answers.ts";
import type { ForeignLog } from "../foreign_log.ts";
import type { BatchContext, Processing, ProcessorContext, ProcessorResult } from "../processor.ts";
import type { Document } from "../../ports.ts";
import type { ProgramNote } from "./program_call.ts";
import { AnswerLines, type ProgramAnswer } from "./answer_lines.ts";
import { childEnvironment } from "./child_environment.ts";
import { commandWords } from "./command_words.ts";
import { findProgram } from "./find_program.ts";
import { Programs } from "./programs.ts";

/** The settings that a program depends on. One that cannot be read is missing: then the agent does not start. */
export type ExecSettings = Partial<
  Pick<Settings, "execProcesses" | "execPassEnv" | "processorBatch" | "processTimeoutMs">
>;

/**
 * The processor of `PROCESSOR=exec:COMMAND`: programs that are given documents as lines, and answer by lines. None is
 * started before the first document.
 *
 * @throws {UsageError} if the command names no program that can be started.
 */
export async function loadExec(
  command: string,
  settings: ExecSettings,
  log: ForeignLog,
): Promise<Processing> {
  const { execPassEnv = [], execProcesses = 1, processorBatch = false, processTimeoutMs = 60_000 } = settings;
  const [name, ...args] = commandWords(command);
  const program = findProgram(name, Deno.env.get("PATH"));
  const answers = await Answers.load();
  const programs = new Programs<ProgramAnswer>({
    ...SYSTEM,
    words: [program, ...args],
    env: childEnvironment(Deno.env.toObject(), execPassEnv),
    processes: execProcesses,
    processTimeoutMs,
    reader: new AnswerLines(answers),
    log,
  });
  return processorBatch ? new ExecBatches(programs, answers) : new ExecDocuments(programs, answers);
}

const encoder = new TextEncoder();

/** How long processes have for their end if the caller sets no limit, in milliseconds. */
const CLOSE_LIMIT_MS = 10_000;

/** What a line tells of a document besides the document. */
type Told = Pick<ProcessorContext, "attempt" | "snoozes" | "idempotencyKey" | "traceparent">;

/** What both kinds have in common. */
abstract class Exec {
  protected readonly answers: Answers;
  readonly #programs: Programs<ProgramAnswer>;
  #calls = 0;

  constructor(programs: Programs<ProgramAnswer>, answers: Answers) {
    this.#programs = programs;
    this.answers = answers;
  }

  get slots(): number {
    return this.#programs.slots;
  }

  async close(limitMs = CLOSE_LIMIT_MS, signal = new AbortController().signal): Promise<void> {
    await this.#programs.close(limitMs, signal);
  }

  /** Has a process answer; `fields` is what the line has besides its id, as JSON without the outer braces. */
  protected async call(
    fields: string,
    signal: AbortSignal,
    noted: (note: ProgramNote) => void,
  ): Promise<ProgramAnswer> {
    this.#calls += 1;
    const id = String(this.#calls);
    return await this.#programs.call(id, encoder.encode(`{"id":"${id}",${fields}}\n`), { signal, noted });
  }

  /** What a line has about a document, as JSON without the outer braces. */
  protected fieldsOf(document: Document, { attempt, snoozes, idempotencyKey, traceparent }: Told): string {
    const told = JSON.stringify({ attempt, snoozes, idempotencyKey, traceparent }).slice(1, -1);
    return `${told},"document":${this.answers.documentText(document)}`;
  }
}

class ExecDocuments extends Exec implements SingleProcessing {
  readonly kind = "single";

  readonly process = async (document: Document, context: ProcessorContext): Promise<ProcessorResult> => {
    const { saved, signal } = context;
    const also = saved === undefined ? "" : `,${this.answers.documentText({ saved }).slice(1, -1)}`;
    const fields = this.fieldsOf(document, context) + also;
    const { result } = await this.call(fields, signal, (note) => takeNote(note, context));
    return answeredResult(result);
  };
}

class ExecBatches extends Exec implements BatchProcessing {
  readonly kind = "batch";

  readonly processBatch = async (documents: Document[], context: BatchContext): Promise<unknown[]> => {
    const { attempts, snoozes, idempotencyKeys, signal, traceparent } = context;
    const entries = documents.map((document, index) => {
      const told = {
        attempt: attempts[index]!,
        snoozes: snoozes[index]!,
        idempotencyKey: idempotencyKeys[index]!,
      };
      return `{${this.fieldsOf(document, told)}}`;
    });
    const traced = traceparent === undefined ? "" : `,"traceparent":${JSON.stringify(traceparent)}`;
    const fields = `"batch":[${entries.join(",")}]${traced}`;
    const { result } = await this.call(fields, signal, refuseCheckpoint);
    return this.answers.entriesOf(result, documents.length);
  };
}

/**
 * Takes in how far a program is. If the agent drains, a checkpoint is the best place to stop at: it throws the reason
 * then, as a module may do.
 */
function takeNote(note: ProgramNote, { checkpoint, progress, stopping }: ProcessorContext): void {
  if ("progress" in note) progress(note.progress as number, note.text as string);
  if (!("checkpoint" in note)) return;
  checkpoint(note.checkpoint);
  stopping.throwIfAborted();
}

function refuseCheckpoint(note: ProgramNote): void {
  if (!("checkpoint" in note)) return;
  throw new Error("The program wrote a checkpoint of a batch, which has none: set PROCESSOR_BATCH=false");
}

type SingleProcessing = Extract<Processing, { kind: "single" }>;
type BatchProcessing = Extract<Processing, { kind: "batch" }>;

import { PermanentError } from "../../errors.ts";
import { systemChance } from "../../lib/chance.ts";
import type { Document } from "../../ports.ts";
import type { Settings } from "../../settings/settings.ts";
import { Answers } from "../answers/answers.ts";
import type { BatchContext, Processing, ProcessorContext } from "../processor.ts";
import { Endpoint } from "./endpoint.ts";
import { batchHeaders, documentHeaders } from "./headers.ts";
import { Patience } from "./patience.ts";
import { PutOff } from "./put_off.ts";
import { Service } from "./service.ts";
import { RefusedRequestError } from "./service_error.ts";

/** The settings of processors over HTTP. */
export type HttpSettings = Partial<
  Pick<
    Settings,
    | "httpCaFile"
    | "httpHeadersFile"
    | "httpSigningSecretFile"
    | "maxSnoozeMs"
    | "mongodbCollection"
    | "mongodbDatabase"
    | "processorBatch"
    | "retryBackoffMs"
    | "retryBackoffMaxMs"
  >
>;

/** The largest body that is sent, in bytes: no document of a database needs more, except for one of control characters. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/**
 * The processor behind an `http://` or `https://` address: documents are posted to it as JSON.
 *
 * @throws {UsageError} If the address, or a file that a setting names, cannot be used.
 */
export async function httpProcessor(address: string, settings: HttpSettings): Promise<Processing> {
  const endpoint = Endpoint.parse(address, { variable: "PROCESSOR" });
  const service = await Service.open(endpoint, settings);
  const {
    maxSnoozeMs = Infinity,
    processorBatch = false,
    retryBackoffMs = 1000,
    retryBackoffMaxMs = 300_000,
  } = settings;
  const patience = new Patience({ random: systemChance, maxSnoozeMs, retryBackoffMs, retryBackoffMaxMs });
  const parts = { service, patience, answers: await Answers.load(), source: sourceOf(settings) };
  return processorBatch ? new HttpBatches(parts) : new HttpDocuments(parts);
}

/** If a setting is missing, the agent does not start: then the source is never used. */
function sourceOf({ mongodbDatabase = "", mongodbCollection = "" }: HttpSettings): string {
  return `${mongodbDatabase}.${mongodbCollection}`;
}

/** What both kinds have in common. */
abstract class Http {
  protected readonly answers: Answers;
  protected readonly source: string;
  readonly #service: Service;
  readonly #patience: Patience;
  readonly #encoder = new TextEncoder();

  constructor({ service, patience, answers, source }: HttpParts) {
    this.#service = service;
    this.#patience = patience;
    this.answers = answers;
    this.source = source;
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  protected encoded(document: Document): Uint8Array<ArrayBuffer> {
    return this.#encoder.encode(this.answers.documentText(document));
  }

  protected async post(
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    { attempt, signal, log, traceparent }: Pick<
      ProcessorContext,
      "attempt" | "signal" | "log" | "traceparent"
    >,
  ): Promise<Uint8Array | PutOff> {
    const own = traceparent === undefined ? headers : { ...headers, traceparent };
    try {
      return await this.#service.post(body, own, { signal, log });
    } catch (error) {
      this.#patience.setWait(error, attempt);
      throw error;
    }
  }
}

class HttpDocuments extends Http implements SingleProcessing {
  readonly kind = "single";

  readonly process = async (document: Document, context: ProcessorContext): Promise<unknown> => {
    const { attempt, snoozes, idempotencyKey } = context;
    const body = this.encoded(document);
    if (body.length > MAX_BODY_BYTES) throw tooLarge(body.length);
    const headers = documentHeaders({ source: this.source, document, attempt, snoozes, idempotencyKey });
    const answer = await this.post(body, headers, context);
    return answer instanceof PutOff ? answer.result : this.answers.answerOf(answer);
  };
}

class HttpBatches extends Http implements BatchProcessing {
  readonly kind = "batch";

  /** All documents at once; in parts, if they are too large for one body. */
  readonly processBatch = async (
    documents: readonly Document[],
    context: BatchContext,
  ): Promise<unknown[]> => {
    const entries: unknown[] = new Array(documents.length);
    const texts: BatchText[] = [];
    for (const [index, document] of documents.entries()) {
      try {
        const text = this.encoded(document);
        if (text.length > MAX_BODY_BYTES) entries[index] = tooLarge(text.length);
        else texts.push({ index, text });
      } catch (error) {
        // A document that has no text is a failure of its own.
        entries[index] = error;
      }
    }
    const answered = await this.#postParts(partsOf(texts), context);
    for (const [at, { index }] of texts.entries()) entries[index] = answered[at];
    return entries;
  };

  /** Documents that are sent by themselves fail by themselves. */
  async #postParts(parts: readonly (readonly BatchText[])[], context: BatchContext): Promise<unknown[]> {
    if (parts.length === 1) return await this.#postPart(parts[0]!, context);
    const entries: unknown[] = [];
    for (const part of parts) {
      try {
        entries.push(...await this.#postPart(part, context));
      } catch (error) {
        if (context.signal.aborted) throw error;
        entries.push(...part.map(() => error));
      }
    }
    return entries;
  }

  /**
   * A status that refuses many documents tells of none that it is at fault: one of them may be, or together they are
   * larger than a proxy allows. Their halves are sent apart.
   */
  async #postPart(part: readonly BatchText[], context: BatchContext): Promise<unknown[]> {
    try {
      return await this.#postBatch(part, context);
    } catch (error) {
      if (!(error instanceof RefusedRequestError) || part.length === 1) throw error;
      const half = (part.length + 1) >> 1;
      return await this.#postParts([part.slice(0, half), part.slice(half)], context);
    }
  }

  async #postBatch(part: readonly BatchText[], context: BatchContext): Promise<unknown[]> {
    const attempts = part.map(({ index }) => context.attempts[index]!);
    const headers = batchHeaders(this.source, {
      attempts,
      snoozes: part.map(({ index }) => context.snoozes[index]!),
      idempotencyKeys: part.map(({ index }) => context.idempotencyKeys[index]!),
    });
    const body = arrayOf(part.map(({ text }) => text));
    const answer = await this.post(body, headers, { ...context, attempt: Math.max(...attempts) });
    if (answer instanceof PutOff) return part.map(() => answer.result);
    return this.answers.batchAnswerOf(answer, part.length);
  }
}

type SingleProcessing = Extract<Processing, { kind: "single" }>;
type BatchProcessing = Extract<Processing, { kind: "batch" }>;

/** A document of a batch as JSON, and its place there. */
interface BatchText {
  readonly index: number;
  readonly text: Uint8Array;
}

/** What a processor over HTTP is made of. */
interface HttpParts {
  readonly service: Service;
  readonly patience: Patience;
  readonly answers: Answers;
  /** `database.collection`. */
  readonly source: string;
}

function tooLarge(bytes: number): PermanentError {
  const size = Math.ceil(bytes / 1024 / 1024);
  return new PermanentError(
    `The document has ${size} MiB as JSON, and at most 32 MiB are sent: make it smaller`,
  );
}

/** Runs of texts that fit into one body each. */
function partsOf<T extends { text: Uint8Array }>(texts: readonly T[]): T[][] {
  const parts: T[][] = [];
  let bytes = Infinity;
  for (const each of texts) {
    // With its comma, and the brackets.
    bytes += each.text.length + 1;
    if (bytes > MAX_BODY_BYTES) {
      parts.push([]);
      bytes = each.text.length + 2;
    }
    parts.at(-1)!.push(each);
  }
  return parts;
}

/** A JSON array of texts of JSON, put together without another text of the same size. */
function arrayOf(texts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(texts.reduce((sum, { length }) => sum + length + 1, 1));
  let at = 0;
  for (const text of texts) {
    all[at] = (at === 0 ? "[" : ",").charCodeAt(0);
    all.set(text, at + 1);
    at += text.length + 1;
  }
  all[at] = "]".charCodeAt(0);
  return all;
}

import { PermanentError } from "../../errors.ts";
import type { Document } from "../../ports.ts";
import type { Settings } from "../../settings/settings.ts";
import { Answers } from "../answers/answers.ts";
import type { BatchContext, Processing, ProcessorContext } from "../processor.ts";
import { Endpoint } from "./endpoint.ts";
import { batchHeaders, documentHeaders } from "./headers.ts";
import { PutOff } from "./put_off.ts";
import { Service } from "./service.ts";

/** The settings of processors over HTTP. */
export type HttpSettings = Partial<
  Pick<
    Settings,
    | "httpCaFile"
    | "httpHeadersFile"
    | "httpSigningSecretFile"
    | "mongodbCollection"
    | "mongodbDatabase"
    | "processorBatch"
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
  const endpoint = Endpoint.parse(address);
  const service = await Service.open(endpoint, settings);
  const processor = new HttpProcessor(service, await Answers.load(), sourceOf(settings));
  const close = () => service.close();
  return settings.processorBatch
    ? {
      kind: "batch",
      processBatch: (documents, context) => processor.processBatch(documents, context),
      close,
    }
    : { kind: "single", process: (document, context) => processor.process(document, context), close };
}

/** If a setting is missing, the agent does not start: then the source is never used. */
function sourceOf({ mongodbDatabase = "", mongodbCollection = "" }: HttpSettings): string {
  return `${mongodbDatabase}.${mongodbCollection}`;
}

/** Posts documents, and reads what is answered. */
class HttpProcessor {
  readonly #service: Service;
  readonly #answers: Answers;
  readonly #source: string;
  readonly #encoder = new TextEncoder();

  constructor(service: Service, answers: Answers, source: string) {
    this.#service = service;
    this.#answers = answers;
    this.#source = source;
  }

  async process(document: Document, context: ProcessorContext): Promise<unknown> {
    const { attempt, snoozes, idempotencyKey } = context;
    const body = this.#encoder.encode(this.#answers.documentText(document));
    if (body.length > MAX_BODY_BYTES) throw tooLarge(body.length);
    const headers = documentHeaders({ source: this.#source, document, attempt, snoozes, idempotencyKey });
    const answer = await this.#service.post(body, headers, context);
    return answer instanceof PutOff ? answer.result : this.#answers.answerOf(answer);
  }

  /** All documents at once; in halves, if they are too large for one body. */
  async processBatch(documents: readonly Document[], context: BatchContext): Promise<unknown[]> {
    const entries: unknown[] = new Array(documents.length);
    const texts: { index: number; text: Uint8Array }[] = [];
    for (const [index, document] of documents.entries()) {
      try {
        const text = this.#encoder.encode(this.#answers.documentText(document));
        if (text.length > MAX_BODY_BYTES) entries[index] = tooLarge(text.length);
        else texts.push({ index, text });
      } catch (error) {
        // A document that has no text is a failure of its own.
        entries[index] = error;
      }
    }
    for (const part of partsOf(texts)) {
      const answered = await this.#postBatch(part, context);
      for (const [at, { index }] of part.entries()) entries[index] = answered[at];
    }
    return entries;
  }

  async #postBatch(part: readonly { index: number; text: Uint8Array }[], context: BatchContext) {
    const headers = batchHeaders(this.#source, {
      attempts: part.map(({ index }) => context.attempts[index]!),
      snoozes: part.map(({ index }) => context.snoozes[index]!),
      idempotencyKeys: part.map(({ index }) => context.idempotencyKeys[index]!),
    });
    const body = arrayOf(part.map(({ text }) => text));
    const answer = await this.#service.post(body, headers, context);
    if (answer instanceof PutOff) return part.map(() => answer.result);
    return this.#answers.batchAnswerOf(answer, part.length);
  }
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

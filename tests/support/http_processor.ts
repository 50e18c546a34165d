/**
 * Processors over HTTP in tests, with what they are given.
 *
 * @module
 */

import { assert, assertRejects } from "@std/assert";
import type { Document } from "../../agent/ports.ts";
import { httpProcessor, type HttpSettings } from "../../agent/processors/http/http_processor.ts";
import type { BatchContext, ProcessorContext } from "../../agent/processors/processor.ts";
import { type Answer, HttpService } from "./http_service.ts";
import { processorContext } from "./processor_context.ts";

/** The collection that the documents are from. */
export const NAMES = { mongodbDatabase: "shop", mongodbCollection: "orders" };
/** A log that says nothing. */
export const log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a processor gets besides the document with this `_id`. */
export function contextOf(id: unknown, signal = new AbortController().signal): ProcessorContext {
  return processorContext({
    attempt: 2,
    snoozes: 3,
    idempotencyKey: `shop.orders:${JSON.stringify(id)}`,
    signal,
    log,
  });
}

/** A processor with its connections; `await using` closes them. */
export async function opened(url: string, settings: HttpSettings = {}) {
  const processing = await httpProcessor(url, { ...NAMES, ...settings });
  return {
    process(document: Document, context: ProcessorContext): Promise<unknown> {
      assert(processing.kind === "single");
      return processing.process(document, context);
    },
    processBatch(documents: Document[], context: BatchContext): Promise<unknown[]> {
      assert(processing.kind === "batch");
      return processing.processBatch(documents, context);
    },
    [Symbol.asyncDispose]: async () => await processing.close?.(),
  };
}

/** Posts one document to an address. */
export async function post(url: string, settings: HttpSettings = {}, signal?: AbortSignal): Promise<unknown> {
  await using processor = await opened(url, settings);
  return await processor.process({ _id: 1, n: 2 }, contextOf(1, signal));
}

/** Posts one document to a service that answers like this. */
export async function answeredWith(answer: Answer, settings: HttpSettings = {}): Promise<unknown> {
  await using service = new HttpService(answer);
  return await post(service.url, settings);
}

/** An error as processors throw it. */
export interface Failure extends Error {
  permanent?: boolean;
  retryAfterMs?: number;
}

/** The failure of one document that is posted to a service that answers like this. */
export async function failureWith(answer: Answer): Promise<Failure> {
  return await assertRejects(() => answeredWith(answer), Error);
}

/** An answer in JSON. */
export function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json" }, ...init });
}

/** Posts a batch of this many documents. */
export async function batch(url: string, count: number): Promise<unknown[]> {
  await using processor = await opened(url, { processorBatch: true });
  const documents = Array.from({ length: count }, (_, _id) => ({ _id }));
  const context: BatchContext = {
    stopping: new AbortController().signal,
    attempts: documents.map(({ _id }) => _id + 1),
    snoozes: documents.map(({ _id }) => _id + 4),
    idempotencyKeys: documents.map(({ _id }) => `shop.orders:${_id}`),
    signal: new AbortController().signal,
    log,
  };
  return await processor.processBatch(documents, context);
}

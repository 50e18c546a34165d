import type { Document, UpdateFilter } from "mongodb";
import { type Carried, carryCheckpoints, withCheckpoint } from "./carried_checkpoints.ts";
import { LEASE_FIELDS, markAsClaimed, UNLEASED } from "./end_of_lease.ts";
import { writeEach, writeGroup } from "./group_write.ts";
import { isTooLarge } from "../mongo_errors.ts";
import type { Ack, LeasedDocument, Nack, Settlement } from "../../ports.ts";
import { backToPending } from "../back_to_pending.ts";
import { attemptOf, heldAlike, isInRange } from "../held_by.ts";
import { type GroupWrite, runLimited, writeAlike } from "./run_limited.ts";
import type { StoreContext } from "../store_context.ts";
import { join, settlementOf, type Written } from "./written.ts";

/** Errors of earlier attempts that are kept on a document. */
const KEPT_ERRORS = 5;

/**
 * The bookkeeping of a finished document: only the attempts stay. It is written as a whole and not removed field by
 * field, which would cost the server a tenth more work per document.
 */
export function processed(attempts: number, set?: Document): UpdateFilter<Document> {
  return {
    $set: { ...set, status: "processed", _pull: { attempts } },
    $currentDate: { processed_at: true },
    $unset: { error: "" },
  };
}

/**
 * Marks documents as processed. It sends one grouped write per claim and number of attempts, and one bulk write for all
 * the documents whose processor wants fields written with the ack.
 */
export async function ack(acks: readonly Ack[], options: StoreContext): Promise<Settlement> {
  const plain = acks.filter(({ set }) => set === undefined).map(({ document }) => document);
  const withFields = acks.filter(({ set }) => set !== undefined);
  const grouped = heldAlike(plain).flatMap((documents) =>
    byAttempt(documents).map(([attempt, alike]) => ({
      documents: alike,
      send: () => {
        const done = { status: "processed", "_pull.attempts": attempt, ...UNLEASED };
        return writeGroup(alike, processed(attempt), { ...options, done });
      },
    }))
  );
  const single: GroupWrite = {
    documents: withFields.map(({ document }) => document),
    send: () => {
      const writes = withFields.map(({ document, set }) => ({
        document,
        update: processed(document.attempt, set),
      }));
      return writeEach(writes, { ...options, done: { status: "processed", ...UNLEASED } });
    },
  };
  const { written, unanswered } = await runLimited([single, ...grouped]);
  return settlementOf(written, acks.map(({ document }) => document), unanswered);
}

/**
 * Sets failed documents back to pending, each with its error, due after its own delay, and with the last checkpoint of
 * its run.
 */
export async function nack(nacks: readonly Nack[], options: StoreContext): Promise<Settlement> {
  const documents = nacks.map(({ document }) => document);
  const first = await carryCheckpoints(documents, (sent, carried) => {
    const their = sent.length === nacks.length
      ? nacks
      : nacks.filter(({ document }) => sent.includes(document));
    return runLimited([{ documents: sent, send: () => writeNacks(their, options, carried) }]);
  });
  const refusals = new Map(first.written.flatMap(({ refused }) => [...refused]));
  // A document near 16 MiB may have no room for its error, which is in the log; without it the write makes it smaller.
  const roomless = nacks.filter(({ document }) => isTooLarge(refusals.get(document)));
  if (roomless.length === 0) return settlementOf(first.written, documents, first.unanswered);
  const send = () => writeNacks(roomless.map((each) => ({ ...each, withoutError: true })), options);
  const smaller = await runLimited([{ documents: roomless.map(({ document }) => document), send }]);
  const others = first.written.map((written) => ({
    ...written,
    refused: new Map([...written.refused].filter(([, why]) => !isTooLarge(why))),
  }));
  const unanswered = join(first.unanswered, smaller.unanswered);
  return settlementOf([...others, ...smaller.written], documents, unanswered);
}

function writeNacks(
  nacks: readonly Nack[],
  options: StoreContext,
  carried?: Carried,
): Promise<Written> {
  const { serverClock } = options;
  const at = serverClock.now();
  const dueAt = nacks.map(({ delayMs }) => serverClock.now(delayMs));
  const writes = nacks.map(({ document, error, withoutError }, position) => ({
    document,
    update: withCheckpoint({
      $set: {
        status: "pending",
        ...attemptOf(document),
        "_pull.visible_at": dueAt[position],
        ...(!withoutError && { error }),
      },
      $unset: { ...LEASE_FIELDS, "_pull.takeovers": "", "_pull.alone": "" },
      ...(!withoutError && { $push: failure(document, error, at) }),
    } as UpdateFilter<Document>, carried?.get(document)),
  }));
  // Another agent may have claimed it since: its error is still there.
  const hasError = { "_pull.errors": { $elemMatch: { at } } };
  const waits = { status: "pending", "_pull.visible_at": { $in: dueAt }, ...UNLEASED };
  return writeEach(writes, { ...options, done: { $or: [hasError, waits] } });
}

/** Releases documents with their attempt, as if they had never been claimed but for the checkpoints of their runs. */
export async function release(
  documents: readonly LeasedDocument[],
  options: StoreContext,
): Promise<Settlement> {
  const { written, unanswered } = await carryCheckpoints(documents, (sent, carried) => {
    const plain = sent.filter((document) => !carried.has(document));
    const groups: GroupWrite[] = heldAlike(plain).map((group) =>
      writeAlike(group, (alike) => releaseGroup(alike, options))
    );
    const send = () => releaseEach(carried, options);
    if (carried.size > 0) groups.push({ documents: [...carried.keys()], send });
    return runLimited(groups);
  });
  return settlementOf(written, documents, unanswered);
}

function releaseGroup(group: readonly LeasedDocument[], options: StoreContext): Promise<Written> {
  // A suspect is the only document of its token.
  const back = backToPending(options.serverClock, markAsClaimed(group[0]!));
  return writeGroup(group, released(group[0]!, back), { ...options, done: { ...back, ...UNLEASED } });
}

function releaseEach(carried: Carried, options: StoreContext): Promise<Written> {
  const at = options.serverClock.now();
  const writes = [...carried].map(([document, checkpoint]) => {
    const back = { ...backToPending(options.serverClock, markAsClaimed(document)), "_pull.visible_at": at };
    return { document, update: withCheckpoint(released(document, back), checkpoint) };
  });
  return writeEach(writes, {
    ...options,
    done: { status: "pending", "_pull.visible_at": at, ...UNLEASED },
  });
}

function released(document: LeasedDocument, back: Document): UpdateFilter<Document> {
  return { ...withoutAttempt(document, back), $unset: LEASE_FIELDS } as UpdateFilter<Document>;
}

/** The update that writes `back` and gives the attempt back. */
export function withoutAttempt(document: LeasedDocument, back: Document, counts: Document = {}): Document {
  if (!isInRange(document)) return { $set: back, $inc: { "_pull.attempts": -1, ...counts } };
  // The document carries no attempt yet.
  const $set = { ...back, ...attemptOf(document, document.attempt - 1) };
  return Object.keys(counts).length > 0 ? { $set, $inc: counts } : { $set };
}

/** The update of `_pull.errors` that a failure makes. */
export function failure(document: LeasedDocument, message: string, at: Date): Document {
  return { "_pull.errors": { $each: [{ at, attempt: document.attempt, message }], $slice: -KEPT_ERRORS } };
}

function byAttempt(documents: readonly LeasedDocument[]): [number, LeasedDocument[]][] {
  return [...Map.groupBy(documents, ({ attempt }) => attempt)];
}

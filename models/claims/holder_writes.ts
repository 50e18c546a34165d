import { has, type Protocol } from "./protocol.ts";
import { type Doc, type HolderWrite, type Item, NO_BOOKKEEPING, NONE, type Truth } from "./state.ts";

/** Marks that matter: a document with more than these is decided by its verdict anyway. */
const MANY = 3;

/** A write by the holder of a document. */
export function holderWrite(name: HolderWrite["name"], item: Item): HolderWrite {
  const { doc, token, alone, isSuspect, verdict, life, made, stored } = item;
  const saved = CARRIERS.has(name) && made > stored ? made : NONE;
  return { name, doc, token, alone, isSuspect, verdict, life, saved };
}

/** Writes that bring a checkpoint that is not written yet. */
const CARRIERS: ReadonlySet<HolderWrite["name"]> = new Set(["save", "nack", "release", "snooze"]);

/** What is known of the document once the write that has changed it is answered. */
export function answered(doc: Doc, { saved, life }: HolderWrite): Doc {
  const { truth } = doc;
  if (saved <= truth.confirmed || truth.life !== life) return doc;
  return { ...doc, truth: { ...truth, confirmed: saved } };
}

/** Whether the filter of a holder's write finds the document. */
export function isHeld(doc: Doc, { token }: Pick<HolderWrite, "token">, protocol: Protocol): boolean {
  if (doc.status === "gone") return false;
  if (doc.status !== "working" && has(protocol, "statusInFilter")) return false;
  return doc.token === token || !has(protocol, "tokenInFilter");
}

/** Whether a write changes the document: some writes need more than a held document. */
export function matches(doc: Doc, write: HolderWrite, protocol: Protocol): boolean {
  if (write.name === "save" && !has(protocol, "checkpointFenced")) return doc.status === "working";
  if (!isHeld(doc, write, protocol)) return false;
  if (write.name === "mark") return doc.isLive || !has(protocol, "markNeedsLease");
  if (write.name === "failUnjudged") return doc.verdict === NONE;
  if (write.name === "judge") return doc.verdict === NONE || !has(protocol, "verdictOnce");
  return true;
}

/** Whether a write that was given up changes the document: a time that it names does not move on meanwhile. */
export function matchesLate(doc: Doc, write: HolderWrite, protocol: Protocol): boolean {
  const isLiteral = write.name === "mark" && protocol.marksByLiteral;
  return isLiteral ? isHeld(doc, write, protocol) : matches(doc, write, protocol);
}

/** What is wrong with a write that changes the document; undefined if nothing is. */
export function problemOfWrite(doc: Doc, write: HolderWrite): string | undefined {
  const name = `d${write.doc}`;
  if (doc.truth.isReset) return `${name} was started over by hand, and a late write undoes that`;
  if (doc.token !== NONE && doc.token !== write.token) {
    return `${name} is changed by a holder whose lease is over, under the lease of another`;
  }
  return undefined;
}

/** The document with a write on it that matches; `time` is that of a verdict. */
export function written(doc: Doc, write: HolderWrite, time: number, protocol: Protocol): Doc {
  switch (write.name) {
    case "mark":
      return {
        ...doc,
        alone: Math.min(write.alone + 1, MANY),
        truth: doc.isLive ? blamed(doc.truth) : doc.truth,
      };
    case "ack":
      return {
        ...ended(doc, protocol),
        status: "done",
        takeovers: 0,
        alone: 0,
        verdict: NONE,
        snoozes: 0,
        ...(has(protocol, "ackDropsCheckpoint") && { saved: NONE, savedIn: 0 }),
      };
    case "nack":
      return pending(unsuspected(carried(doc, write, protocol)), protocol);
    case "release": {
      const isRefunded = has(protocol, "releaseRefunds");
      return released(carried(doc, write, protocol), write, isRefunded, protocol);
    }
    case "snooze":
      return snoozed(carried(doc, write, protocol), write, protocol);
    case "save":
      return withCheckpoint(doc, write, protocol);
    case "judge":
      return { ...doc, verdict: time };
    case "fail":
      return {
        ...ended(doc, protocol),
        status: "failed",
        isScheduled: false,
        takeovers: 0,
        alone: 0,
        // If there is no verdict before the copy, it is written with the mark.
        verdict: has(protocol, "verdictFirst") ? doc.verdict : write.verdict,
      };
    case "failUnjudged":
      return { ...ended(doc, protocol), ...NO_BOOKKEEPING, status: "failed" };
  }
}

/** Notes, for the properties, that this lease is one under which the document was to run alone. */
export function blamed(truth: Truth): Truth {
  return truth.isBlamed ? truth : { ...truth, isBlamed: true, blames: Math.min(truth.blames + 1, MANY) };
}

/** The document with the checkpoint that the write of an outcome brings. */
function carried(doc: Doc, write: HolderWrite, protocol: Protocol): Doc {
  return has(protocol, "checkpointCarried") ? withCheckpoint(doc, write, protocol) : doc;
}

function withCheckpoint(doc: Doc, { saved, life }: HolderWrite, protocol: Protocol): Doc {
  const isNewer = saved > doc.saved || !has(protocol, "checkpointOrder");
  return saved !== NONE && isNewer ? { ...doc, saved, savedIn: life } : doc;
}

function unsuspected(doc: Doc): Doc {
  return { ...doc, takeovers: 0, alone: 0, truth: { ...doc.truth, blames: 0 } };
}

/** A release with a time to wait for. */
function snoozed(doc: Doc, write: HolderWrite, protocol: Protocol): Doc {
  const back = released(doc, write, has(protocol, "snoozeRefunds"), protocol);
  const kept = has(protocol, "snoozeKeepsSuspicion") ? back : unsuspected(back);
  return { ...kept, isAsleep: true, snoozes: doc.snoozes + 1 };
}

function released(doc: Doc, { alone, isSuspect }: HolderWrite, isRefunded: boolean, protocol: Protocol): Doc {
  const { truth } = doc;
  const blames = truth.isBlamed ? truth.blames - 1 : truth.blames;
  const takesMarkBack = isSuspect && has(protocol, "releaseTakesMarkBack");
  return pending({
    ...doc,
    attempts: isRefunded ? doc.attempts - 1 : doc.attempts,
    takeovers: has(protocol, "releaseKeepsSuspicion") ? doc.takeovers : 0,
    alone: takesMarkBack ? alone : doc.alone,
    truth: { ...truth, blames },
  }, protocol);
}

function pending(doc: Doc, protocol: Protocol): Doc {
  return { ...ended(doc, protocol), status: "pending", isScheduled: true };
}

/** Without the lease. */
function ended(doc: Doc, protocol: Protocol): Doc {
  const token = has(protocol, "tokenIsLease") ? NONE : doc.token;
  return { ...doc, token, isLive: false, truth: { ...doc.truth, isBlamed: false } };
}

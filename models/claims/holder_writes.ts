import { has, type Protocol } from "./protocol.ts";
import { type Doc, type HolderWrite, type Item, NO_BOOKKEEPING, NONE, type Truth } from "./state.ts";

/** Marks that matter: a document with more than these is decided by its verdict anyway. */
const MANY = 3;

/** A write by the holder of a document. */
export function holderWrite(name: HolderWrite["name"], item: Item): HolderWrite {
  const { doc, token, alone, isSuspect, verdict, life } = item;
  return { name, doc, token, alone, isSuspect, verdict, life };
}

/** Whether the filter of a holder's write finds the document. */
export function isHeld(doc: Doc, { token }: Pick<HolderWrite, "token">, protocol: Protocol): boolean {
  if (doc.status === "gone") return false;
  if (doc.status !== "working" && has(protocol, "statusInFilter")) return false;
  return doc.token === token || !has(protocol, "tokenInFilter");
}

/** Whether a write changes the document: some writes need more than a held document. */
export function matches(doc: Doc, write: HolderWrite, protocol: Protocol): boolean {
  if (!isHeld(doc, write, protocol)) return false;
  if (write.name === "mark") return doc.isLive || !has(protocol, "markNeedsLease");
  if (write.name === "failUnjudged") return doc.verdict === NONE;
  if (write.name === "judge") return doc.verdict === NONE || !has(protocol, "verdictOnce");
  return true;
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
      return { ...ended(doc, protocol), status: "done", takeovers: 0, alone: 0, verdict: NONE };
    case "nack":
      return pending({ ...doc, takeovers: 0, alone: 0, truth: { ...doc.truth, blames: 0 } }, protocol);
    case "release":
      return released(doc, write, protocol);
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

function released(doc: Doc, { alone, isSuspect }: HolderWrite, protocol: Protocol): Doc {
  const { truth } = doc;
  const blames = truth.isBlamed ? truth.blames - 1 : truth.blames;
  const takesMarkBack = isSuspect && has(protocol, "releaseTakesMarkBack");
  return pending({
    ...doc,
    attempts: has(protocol, "releaseRefunds") ? doc.attempts - 1 : doc.attempts,
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

import { expiriesAlone, has, type Protocol, TAKEOVERS_IN_COMPANY } from "./protocol.ts";
import {
  type Candidate,
  type Doc,
  isExpiredKind,
  isSuspectKind,
  type Item,
  type Kind,
  NONE,
  type State,
} from "./state.ts";

/** Counters are told apart up to this number: nothing depends on larger values. */
const MANY = 3;

/** By which query a claim finds a document; undefined if by none. */
function kindOf(doc: Doc, protocol: Protocol): Kind | undefined {
  const wasTakenOver = doc.takeovers >= TAKEOVERS_IN_COMPANY && has(protocol, "suspectsByTakeovers");
  if (doc.status === "pending") {
    if (!doc.isScheduled) return "new_documents";
    if (doc.isAsleep) return undefined;
    const isSuspect = wasTakenOver && (doc.takeovers > TAKEOVERS_IN_COMPANY || doc.alone > 0);
    return isSuspect ? "due_suspects" : "due_retries";
  }
  if (!isExpired(doc, protocol)) return undefined;
  const isDecided = doc.verdict !== NONE || doc.alone >= expiriesAlone(protocol);
  return wasTakenOver && !isDecided ? "expired_suspects" : "expired_leases";
}

function isExpired(doc: Doc, protocol: Protocol): boolean {
  if (doc.status !== "working" || (doc.isLive && has(protocol, "serverClock"))) return false;
  return has(protocol, "tokenIsLease") ? doc.token !== NONE : doc.isScheduled;
}

/** A document as a claim reads it. */
function candidate(number: number, kind: Kind, doc: Doc): Candidate {
  const { attempts, alone, verdict, edition, saved, savedIn, truth: { life } } = doc;
  return { doc: number, kind, attempts, alone, verdict, edition, life, saved, savedIn };
}

/** What one claim asks for: some documents of one kind, or one suspect. */
export function candidateGroups({ docs }: State, room: number, protocol: Protocol): Candidate[][] {
  const groups = new Map<Kind, Candidate[]>();
  for (const [number, doc] of docs.entries()) {
    const kind = kindOf(doc, protocol);
    if (kind) groups.set(kind, [...groups.get(kind) ?? [], candidate(number, kind, doc)]);
  }
  return [...groups].flatMap(([kind, found]) =>
    isSuspectKind(kind) && has(protocol, "suspectsAlone")
      ? found.map((suspect) => [suspect])
      : [found.slice(0, room)]
  ).filter((group) => group.length > 0);
}

/** Whether the claim's write takes the document as it is now. */
export function isTaken(doc: Doc, asked: Candidate, protocol: Protocol): boolean {
  if (!has(protocol, "stillMatches")) return doc.status !== "gone";
  const isDue = !doc.isAsleep || has(protocol, "claimAsksDue");
  if (kindOf(isDue ? doc : { ...doc, isAsleep: false }, protocol) !== asked.kind) return false;
  return !isSuspectKind(asked.kind) || (doc.attempts === asked.attempts && doc.alone === asked.alone);
}

/** Whether the claim counts an attempt. */
export function countsAttempt({ kind, alone, attempts }: Candidate, protocol: Protocol): boolean {
  if (!isExpiredKind(kind)) return true;
  if (alone === 0) return !has(protocol, "freeTakeover");
  const isLimited = attempts >= protocol.maxAttempts && has(protocol, "cappedAttempts");
  return isSuspectKind(kind) && !isLimited;
}

/** The document with a claim written on it. */
export function claimed(number: number, doc: Doc, asked: Candidate, token: number, protocol: Protocol): Doc {
  const { kind } = asked;
  const { truth } = doc;
  const counts = countsAttempt(candidate(number, kind, doc), protocol);
  const takeovers = isExpiredKind(kind) ? Math.min(doc.takeovers + 1, MANY) : doc.takeovers;
  const isMarked = isSuspectKind(kind) && !has(protocol, "markBeforeStart");
  return {
    ...doc,
    status: "working",
    token,
    isLive: true,
    isScheduled: true,
    isAsleep: false,
    attempts: counts ? doc.attempts + 1 : doc.attempts,
    takeovers,
    alone: isMarked ? Math.min(doc.alone + 1, MANY) : doc.alone,
    truth: {
      ...truth,
      // A run that ended the process while it was alone was a failure of its own.
      failures: truth.isBlamed ? Math.min(truth.failures + 1, protocol.maxAttempts) : truth.failures,
      isBlamed: false,
      isReset: false,
    },
  };
}

/** What an agent holds of a claimed document, according to what it read. */
export function claimedItem(read: Candidate, token: number, protocol: Protocol): Item {
  const { attempts, ...known } = read;
  const isSuspect = isSuspectKind(read.kind);
  const marks = isSuspect && !has(protocol, "markBeforeStart") ? 1 : 0;
  const run = { token, attempt: attempts, isSuspect, made: read.saved, stored: read.saved };
  const { kind: _kind, ...item } = { ...known, ...run };
  if (read.verdict !== NONE && has(protocol, "finishVerdict")) return { ...item, phase: "judged" };
  const isSentenced = read.alone - marks >= expiriesAlone(protocol);
  return { ...item, phase: isSentenced ? "sentenced" : "held" };
}

/** What carries the token of a claim. */
export function carriers({ docs }: State, token: number, candidates: readonly Candidate[]): Candidate[] {
  return candidates.flatMap(({ doc: number, kind }) => {
    const doc = docs[number]!;
    return doc.status === "working" && doc.token === token ? [candidate(number, kind, doc)] : [];
  });
}

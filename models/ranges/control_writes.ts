import type { RangeProtocol } from "./protocol.ts";
import type { ModeName, Range } from "./range.ts";
import { changed, freshVersion, isNew, type RangeState, START, withRange } from "./state.ts";
import type { HolderWrite, LateWrite, Swap } from "./task.ts";

/**
 * What writes do, each in one step: those on the control document, and those on documents that are new. Undefined if a write
 * does not match.
 */

/** Claims a range. */
export function swapped(
  state: RangeState,
  { position, version, from, to, token, isAside }: Swap,
  protocol: RangeProtocol,
): RangeState | undefined {
  const isSame = protocol.has("comparesVersion") ? state.version === version : state.position === position;
  if (!isSame || state.mode.name !== "range") return undefined;
  const ranges = [...state.ranges, { from, to, token, isLive: true }];
  return { ...state, position: isAside ? position : to, version: freshVersion(state, protocol), ranges };
}

/** Takes a mode for the fleet, or renews it. */
export function modeTaken(
  state: RangeState,
  name: ModeName,
  protocol: RangeProtocol,
): RangeState | undefined {
  const { mode, ranges, version } = state;
  if (mode.name === "removed" && protocol.has("waitsAfterMaking")) {
    return { ...state, mode: { name: "made", isLive: true } };
  }
  const isSame = mode.name === name;
  const isWaiting = mode.name === "made" && mode.isLive;
  const isFree = isWaiting
    ? false
    : name === "document"
    ? ranges.length === 0 || !protocol.has("awaitsRanges")
    : !mode.isLive || !protocol.has("awaitsMode");
  if (!isSame && !isFree) return undefined;
  const isCounted = !isSame && protocol.has("modeChangesVersion");
  return {
    ...state,
    mode: { name, isLive: name === "document" },
    position: isSame || name === "document" ? state.position : START,
    version: isCounted ? freshVersion(state, protocol) : version,
  };
}

/** Takes a range over that has run out. */
export function takenOver(
  state: RangeState,
  { from, to, token, next }: Extract<LateWrite, { name: "takeover" }>,
  protocol: RangeProtocol,
): RangeState | undefined {
  const isSame = (range: Range) => range.from === from && range.to === to;
  const old = state.ranges.find((range) =>
    !range.isLive && (isSame(range) || !protocol.has("comparesBounds")) &&
    (range.token === token || !protocol.has("comparesToken"))
  );
  return old && withRange(state, old, { ...old, token: next, isLive: true });
}

/** Cuts a range down to a part of it, which runs out soon. */
export function cut(
  state: RangeState,
  { from, to, token }: Pick<Range, "from" | "to" | "token">,
): RangeState | undefined {
  const range = state.ranges.find((each) => each.token === token);
  return range && withRange(state, range, { ...range, from, to, isLive: false });
}

/** Claims one new document, in document mode. */
export function claimed(
  state: RangeState,
  { doc, token, isOver }: { doc: number; token: number; isOver: boolean },
  protocol: RangeProtocol,
): RangeState | undefined {
  if (!isNew(state, doc) || (isOver && protocol.has("claimsCarryMode"))) return undefined;
  if (protocol.natures[doc] === "stubborn") return changed(state, doc, FAILED);
  return changed(state, doc, { status: "working", token, isNew: false });
}

/** What the holder of a range writes on one of its documents. */
export function settled(
  state: RangeState,
  { doc, name, token }: HolderWrite,
  protocol: RangeProtocol,
): RangeState | undefined {
  const { isJudged } = state.docs[doc]!;
  const write = { doc, token };
  switch (name) {
    case "copy":
      return changed(state, doc, { hasLetter: true });
    case "failure":
      return isHeld(state, write, protocol) ? changed(state, doc, FAILED) : undefined;
    case "verdict":
      return hasOwnLease(state, write) ? changed(state, doc, { isJudged: true }) : undefined;
    case "letter":
      return hasOwnLease(state, write) && isJudged
        ? changed(state, doc, { ...FAILED, isJudged: false, hasLetter: true })
        : undefined;
    case "lease":
      if (!takes(state, write, protocol)) return undefined;
      return changed(state, doc, { status: "working", isNew: false, token });
    case "ack":
    case "nack":
    case "release":
      return isHeld(state, write, protocol) && protocol.natures[doc] !== "stubborn"
        ? changed(state, doc, WRITTEN[name])
        : undefined;
  }
}

/** Whether the filter of an outcome finds a document: it is new, or has a lease with the token of the range. */
export function isHeld(
  state: RangeState,
  { doc, token }: { doc: number; token: number },
  protocol: RangeProtocol,
): boolean {
  const { status, isNew: isUntouched, token: now } = state.docs[doc]!;
  if (status === "absent" || status === "gone") return false;
  const isPending = status === "pending" || !protocol.has("namesStatus");
  if (isPending && (isUntouched || !protocol.has("namesNew"))) return true;
  if (status !== "working" || !protocol.has("matchesOwnLease")) return false;
  return now === token || !protocol.has("namesOwnToken");
}

/** Whether a document takes the lease that its holder gives it. */
function takes(
  state: RangeState,
  write: { doc: number; token: number },
  protocol: RangeProtocol,
): boolean {
  if (protocol.natures[write.doc] === "stubborn") return false;
  const { status } = state.docs[write.doc]!;
  const isThere = status !== "absent" && status !== "gone";
  return protocol.has("leasesByFilter") ? isHeld(state, write, protocol) : isThere;
}

function hasOwnLease({ docs }: RangeState, { doc, token }: { doc: number; token: number }): boolean {
  return docs[doc]!.status === "working" && docs[doc]!.token === token;
}

const FAILED = { status: "failed", token: 0 } as const;

/** What these writes leave. */
const WRITTEN = {
  ack: { status: "done", isNew: false, token: 0 },
  nack: { status: "pending", isNew: false, token: 0, hasFailed: true },
  release: { status: "pending", isNew: false, token: 0 },
} as const;

/** Gives what is left of a range that was taken over its bookkeeping. */
export function marked(state: RangeState, doc: number, protocol: RangeProtocol): RangeState | undefined {
  if (!isNew(state, doc) || protocol.natures[doc] === "stubborn") return undefined;
  const isCounted = protocol.natures[doc] === "poison" && protocol.has("marksTakeover");
  return changed(state, doc, { isNew: false, takeovers: isCounted ? 1 : 0 });
}

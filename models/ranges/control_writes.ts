import type { RangeProtocol } from "./protocol.ts";
import type { ModeName } from "./range.ts";
import { changed, freshVersion, isNew, type RangeState, START, withRange } from "./state.ts";
import type { LateWrite, SentWrite, Swap } from "./task.ts";

/**
 * What writes do, each in one step: those on the control document, and those on documents that are new. Undefined if a write
 * does not match.
 */

/** Claims a range. */
export function swapped(
  state: RangeState,
  { position, version, from, to, token }: Swap,
  protocol: RangeProtocol,
): RangeState | undefined {
  const isSame = state.position === position &&
    (state.version === version || !protocol.has("comparesVersion"));
  if (!isSame) return undefined;
  const ranges = [...state.ranges, { from, to, token, isLive: true }];
  return { ...state, position: to, version: freshVersion(state), ranges };
}

/** Puts the position before everything. */
export function startedOver(
  state: RangeState,
  { position, version }: Pick<Swap, "position" | "version">,
): RangeState | undefined {
  if (state.position !== position || state.version !== version) return undefined;
  return { ...state, position: START, version: freshVersion(state) };
}

/** Takes a mode for the fleet, or renews it. */
export function modeTaken(
  state: RangeState,
  name: ModeName,
  protocol: RangeProtocol,
): RangeState | undefined {
  const { mode, ranges, version } = state;
  const isSame = mode.name === name;
  const isFree = name === "document"
    ? ranges.length === 0 || !protocol.has("awaitsRanges")
    : !mode.isLive || !protocol.has("awaitsMode");
  if (!isSame && !isFree) return undefined;
  const isCounted = !isSame && protocol.has("modeAddsToVersion");
  return {
    ...state,
    mode: { name, isLive: name === "document" },
    version: isCounted ? freshVersion(state) : version,
  };
}

/** Takes a range over that has run out. */
export function takenOver(
  state: RangeState,
  { from, to, token, next }: Extract<LateWrite, { name: "takeover" }>,
  protocol: RangeProtocol,
): RangeState | undefined {
  const old = state.ranges.find((range) =>
    !range.isLive && range.from === from &&
    (range.to === to || !protocol.has("comparesBounds")) &&
    (range.token === token || !protocol.has("comparesToken"))
  );
  return old && withRange(state, old, { ...old, token: next, isLive: true });
}

/** Cuts a range, so that it ends with `to`. */
export function cut(state: RangeState, token: number, to: number): RangeState | undefined {
  const range = state.ranges.find((each) => each.token === token);
  if (!range) return undefined;
  if (range.to <= to) return state;
  const rest = state.ranges.filter((each) => each !== range);
  return { ...state, ranges: to <= range.from ? rest : [...rest, { ...range, to }] };
}

/** Claims one new document, in document mode. */
export function claimed(
  state: RangeState,
  { doc, token, isOver }: { doc: number; token: number; isOver: boolean },
  protocol: RangeProtocol,
): RangeState | undefined {
  if (!isNew(state, doc) || (isOver && protocol.has("claimsCarryMode"))) return undefined;
  if (protocol.natures[doc] === "stubborn") return changed(state, doc, WRITTEN.failure);
  return changed(state, doc, { status: "working", token, isNew: false });
}

/** What the holder of a range writes on one of its documents. */
export function settled(
  state: RangeState,
  { doc, name }: SentWrite,
  protocol: RangeProtocol,
): RangeState | undefined {
  const { status, isNew: isUntouched } = state.docs[doc]!;
  if (name === "copy") return changed(state, doc, { hasLetter: true });
  if (name !== "failure" && protocol.natures[doc] === "stubborn") return undefined;
  if (status === "absent" || status === "gone") return undefined;
  if (status !== "pending" && protocol.has("namesStatus")) return undefined;
  if (!isUntouched && protocol.has("namesNew")) return undefined;
  return changed(state, doc, WRITTEN[name]);
}

/** What these writes leave. Another model has how a verdict becomes a letter. */
const WRITTEN = {
  ack: { status: "done", isNew: false },
  nack: { status: "pending", isNew: false, hasFailed: true },
  verdict: { status: "failed", isNew: false, hasLetter: true },
  failure: { status: "failed" },
} as const;

/** Gives what is left of a range that was taken over its bookkeeping. */
export function marked(state: RangeState, doc: number, protocol: RangeProtocol): RangeState | undefined {
  if (!isNew(state, doc)) return undefined;
  if (protocol.natures[doc] === "stubborn") {
    return protocol.has("failsRefused") ? changed(state, doc, WRITTEN.failure) : undefined;
  }
  const isCounted = protocol.natures[doc] === "poison" && protocol.has("marksTakeover");
  return changed(state, doc, { isNew: false, takeovers: isCounted ? 1 : 0 });
}

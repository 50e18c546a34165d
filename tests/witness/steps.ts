import { type Document, EJSON } from "bson";

/** Everything about a document that the protocol speaks of. */
export interface State {
  readonly status: unknown;
  readonly _pull?: Document;
  readonly error?: unknown;
  readonly processed_at?: unknown;
}

/** What a write does to a document, by the protocol. */
export type Step = keyof typeof STEPS;

const LEASE = ["token", "owner", "visible_at"];
const COUNTERS = ["takeovers", "alone"];

/**
 * All steps that there are: from which status to which, what happens to the lease (`none`, `new`, `kept`, `ended`,
 * `other` if another takes its place, `any`), and which fields may change besides the status.
 */
const STEPS = {
  /** In range mode it counts takeovers from the start. */
  claim: { from: "pending", to: "processing", lease: "new", may: [...LEASE, "attempts", "takeovers"] },
  takeover: {
    from: "processing",
    to: "processing",
    lease: "other",
    may: [...LEASE, "attempts", "takeovers"],
  },
  renewal: { from: "processing", to: "processing", lease: "kept", may: ["visible_at", "saved"] },
  /** A document of a range gets a lease of its own. */
  leave: { from: "processing", to: "processing", lease: "kept", may: ["visible_at", "takeovers"] },
  mark: { from: "processing", to: "processing", lease: "kept", may: ["alone"] },
  verdict: { from: "processing", to: "processing", lease: "kept", may: ["dead_at", "error", "errors"] },
  ack: { from: "processing", to: "processed", lease: "ended", may: "all" },
  nack: {
    from: "processing",
    to: "pending",
    lease: "ended",
    may: [...LEASE, ...COUNTERS, "error", "errors", "saved"],
  },
  release: {
    from: "processing",
    to: "pending",
    lease: "ended",
    may: [...LEASE, "attempts", "alone", "saved"],
  },
  snooze: {
    from: "processing",
    to: "pending",
    lease: "ended",
    may: [...LEASE, "attempts", "alone", "saved", "snoozes"],
  },
  /** A document of a range that ran out gets its bookkeeping. */
  unheld: {
    from: "processing",
    to: "pending",
    lease: "ended",
    may: [...LEASE, "attempts", "takeovers"],
  },
  failed: { from: "processing", to: "failed", lease: "ended", may: [...LEASE, ...COUNTERS] },
  referred: { from: "pending|processing", to: "failed", lease: "any", may: "all" },
  cancel: {
    from: "pending|processing",
    to: "canceled",
    lease: "any",
    may: [...LEASE, ...COUNTERS, "canceled"],
  },
  redrive: {
    from: "failed",
    to: "pending",
    lease: "none",
    may: ["visible_at", "attempts", ...COUNTERS, "dead_at", "snoozes", "saved"],
  },
  requeue: {
    from: "pending|processing|processed|failed|canceled",
    to: "pending",
    lease: "any",
    may: "all",
  },
} as const;

/** What each step must have made of the document besides; the first that fits is the step. */
const MADE: { readonly [step in Step]?: (before: Document, after: Document, state: State) => boolean } = {
  claim: (before, after) => after.takeovers === (before.takeovers ?? (after.takeovers === 0 ? 0 : undefined)),
  verdict: (before, after) => before.dead_at === undefined && after.dead_at !== undefined,
  leave: (before, after) => before.takeovers === undefined && after.takeovers === 0,
  unheld: (_, { takeovers, visible_at, ...others }) =>
    takeovers === 1 && visible_at instanceof Date && Object.keys(others).length === 0,
  mark: (before, after) => after.alone === (before.alone ?? 0) + 1,
  renewal: (before, after) => after.visible_at >= before.visible_at,
  nack: (before, after) =>
    after.attempts === before.attempts && COUNTERS.every((each) => after[each] === undefined),
  release: (before, after) => after.attempts === before.attempts - 1,
  snooze: (before, after) =>
    after.attempts === before.attempts - 1 && after.snoozes === (before.snoozes ?? 0) + 1,
  ack: (before, after, { error }) =>
    after.attempts === before.attempts && Object.keys(after).length === 1 && error === undefined,
  failed: (_, after) => after.dead_at !== undefined,
  referred: (_, after) => after.dead_at === undefined,
  redrive: (_, after) =>
    [after.attempts, after.takeovers, after.alone].every((each) => each === 0) &&
    [after.dead_at, after.saved, after.snoozes].every((each) => each === undefined),
  requeue: (_, { visible_at, ...others }) => visible_at instanceof Date && Object.keys(others).length === 0,
};

/** The part of a document that is judged. */
export function stateOf({ status, _pull, error, processed_at }: Document): State {
  return {
    status,
    ..._pull !== undefined && { _pull },
    ...error !== undefined && { error },
    ...processed_at !== undefined && { processed_at },
  };
}

/** The step from one state to another. Undefined if the protocol has none that makes these changes. */
export function stepOf(before: State, after: State): Step | undefined {
  const [was, is] = [before._pull ?? {}, after._pull ?? {}];
  const changes = changesOf(before, after);
  const lease = was.token === undefined
    ? is.token === undefined ? "none" : "new"
    : is.token === undefined
    ? "ended"
    : is.token === was.token
    ? "kept"
    : "other";
  return (Object.keys(STEPS) as Step[]).find((name) => {
    const { from, lease: wanted, may, to } = STEPS[name];
    if (!from.split("|").includes(String(before.status)) || after.status !== to) return false;
    if (wanted === "any" ? lease === "new" || lease === "other" : lease !== wanted) return false;
    if (may !== "all" && changes.some((each) => !(may as readonly string[]).includes(each))) return false;
    return MADE[name]?.(was, is, after) ?? true;
  });
}

/** The names of the fields that differ, but for the status. */
export function changesOf(before: State, after: State): string[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  return Object.keys({ ...was, ...is }).filter((each) => !isSame(was[each], is[each]));
}

function fieldsOf({ error, processed_at, _pull }: State): Document {
  return { ..._pull, error, processed_at };
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return EJSON.stringify([one], { relaxed: false }) === EJSON.stringify([other], { relaxed: false });
}

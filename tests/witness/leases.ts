import type { Breaches } from "./breaches.ts";
import { touched, type Write } from "./oplog.ts";
import type { HeldPart } from "./ranges.ts";
import { isSuspect, type Move, RULES, SAME_TIME_MS } from "./rules.ts";
import type { Run } from "./run_log.ts";
import { changesOf, type State, type Step, stepOf } from "./steps.ts";
import type { Lease, Story } from "./story.ts";
import type { Terms } from "./terms.ts";
import type { Disturbances } from "./told.ts";

/** Judges what agents do with documents: which step a write is, whether its rules hold, and which run belongs to it. */
export class Leases {
  readonly #terms: Terms;
  readonly #disturbances: Disturbances;
  readonly #breaches: Breaches;
  /** What each owner holds. */
  readonly #held = new Map<string, Set<Story>>();
  /** Whose sessions are whose: one belongs to one process. */
  readonly #owners = new Map<string, string>();

  constructor(terms: Terms, disturbances: Disturbances, breaches: Breaches) {
    this.#terms = terms;
    this.#disturbances = disturbances;
    this.#breaches = breaches;
  }

  /**
   * Judges the write that makes `after` of a document. Returns its step; undefined if it is none, or concerns no agent.
   *
   * @param part the range that the document is in
   */
  judge(story: Story, after: State, write: Write, part?: HeldPart): Step | undefined {
    if (changesOf(story.state, after).length === 0 && story.state.status === after.status) return undefined;
    const writer = write.session === undefined ? undefined : this.#owners.get(write.session);
    const before = part && isNew(story.state) ? inRange(story, part, after, writer) : story.state;
    const changes = changesOf(before, after);
    const step = stepOf(before, after);
    const [was, is] = [before._pull ?? {}, after._pull ?? {}];
    if (step === undefined) {
      const what = `${before.status} to ${after.status}, with ${changes.join(", ")}`;
      this.#breaches.add("legal transitions", story, what);
    } else {
      this.#breaches.count(`steps: ${step}`);
      this.#mustTouchItsOwn(story, step, write);
      const { wall } = write;
      const { lease } = story;
      const run = ENDINGS.has(step)
        ? this.#runOf(story, this.#latestMs(story, step, after, wall))
        : undefined;
      const mayRelease = lease !== undefined &&
        this.#disturbances.mayRelease(lease.owner, lease.askedMs, wall);
      const how = run ? this.#howOf(run, wall) : "not begun";
      this.#byRules({ step, before, after, was, is, wall, lease, run, how, mayRelease }, story);
      if (TAKEOVERS.has(step) && lease) this.#mustBeExcused(story, lease, run, wall);
      if (step === "unheld") this.#mustBeOf(write, was.owner, story);
      if (step === "leave" && lease) this.#holds(lease.owner, story);
      if (step === "release" && lease) {
        story.released = { agent: lease.owner, attempt: lease.attempt, atMs: wall };
      }
      if (step === "unheld" && lease && !run) {
        story.lost = { agent: lease.owner, attempt: lease.attempt, atMs: wall };
      }
      if (step === "release" && run) this.#breaches.count("released in a run");
      if (how === "done" && FAILURES.has(step)) this.#breaches.count("attempts spent in vain");
      if (step === "verdict") story.verdicts.push(Number(is.dead_at));
      if (step === "mark" && lease) this.#marked(story, lease, wall);
      if (lease && OF_HOLDER.has(step)) this.#mustBeOf(write, lease.owner, story);
    }
    if (is.token !== was.token) {
      if (story.lease) this.#held.get(story.lease.owner)?.delete(story);
      story.lease = undefined;
      if (is.token !== undefined) this.#claimed(story, after, write);
    }
    return step;
  }

  /** A run that belongs to no lease: only an agent that was cut off may have started one. */
  orphan(run: Run, story: Story | undefined): void {
    const { leaseMs } = this.#terms;
    if (isOfReleased(story, run)) return this.#breaches.count("runs under a lease");
    if (this.#disturbances.wasCutOff(run.agent, run.beganMs - 2 * leaseMs, run.beganMs)) {
      return this.#breaches.count("runs without a lease, cut");
    }
    const what = `${run.agent} runs it as attempt ${run.attempt}, and does not hold it`;
    this.#breaches.add("runs are of leases", story ?? { key: run.key, entries: [] }, what);
  }

  #byRules(move: Move, story: Story): void {
    for (const { holds, of, rule, what } of RULES) {
      if (of.includes(move.step) && !holds(move, this.#terms)) this.#breaches.add(rule, story, what(move));
    }
  }

  #claimed(story: Story, after: State, write: Write): void {
    const { attempts, owner, visible_at } = after._pull!;
    const askedMs = Math.min(write.wall, Number(visible_at ?? write.wall) - this.#terms.leaseMs);
    story.lease = { owner, sinceMs: write.wall, askedMs, attempt: attempts, claimed: after };
    this.#mustBeOf(write, owner, story);
    const held = this.#held.get(owner) ?? new Set();
    for (const { key, lease } of held) {
      if (lease!.markedMs === undefined || this.#mayBeGone(lease!, write.wall)) continue;
      this.#breaches.add("suspects", story, `${owner} claims it while ${key} runs alone`);
    }
    this.#holds(owner, story);
  }

  #holds(owner: string, story: Story): void {
    this.#held.set(owner, (this.#held.get(owner) ?? new Set()).add(story));
  }

  #marked(story: Story, lease: Lease, wall: number): void {
    lease.markedMs = wall;
    for (const other of this.#held.get(lease.owner)!) {
      if (other === story || this.#mayBeGone(other.lease!, wall)) continue;
      if (other.state._pull!.visible_at.getTime() <= wall) continue;
      this.#breaches.add("suspects", story, `it runs while ${lease.owner} holds ${other.key}`);
    }
  }

  /** What else a document holds is its user's: only an ack writes fields, those that its processor asks for. */
  #mustTouchItsOwn(story: Story, step: Step, { o }: Write): void {
    const others = step === "ack" ? [] : [...touched(o)].filter((name) => !PROTOCOL_FIELDS.has(name));
    if (others.length > 0) this.#breaches.add("legal transitions", story, `a ${step} changes ${others}`);
  }

  /** A lease is taken over: its holder must have been killed or cut off. */
  #mustBeExcused(story: Story, { askedMs, owner }: Lease, run: Run | undefined, wall: number): void {
    const why = this.#disturbances.excuse(owner, askedMs, wall);
    this.#breaches.count(`${run ? "doubles" : "takeovers before a run"}, ${why ?? "without an excuse"}`);
    if (why !== undefined) return;
    const what = `${owner} has lost its lease, and was neither killed nor cut off`;
    this.#breaches.add("doubles are excused", story, what);
  }

  /** A session writes for one holder. */
  #mustBeOf({ session }: Write, owner: string, story: Story): void {
    if (session === undefined) return;
    const known = this.#owners.get(session);
    this.#owners.set(session, owner);
    if (known === undefined || known === owner) return;
    this.#breaches.add("a token's writes", story, `a session of ${known} writes under the lease of ${owner}`);
  }

  /** Whether a lease is one that its holder may not have any more, or never got to know. */
  #mayBeGone({ askedMs, owner }: Lease, wall: number): boolean {
    return this.#disturbances.excuse(owner, askedMs, wall) !== undefined;
  }

  /**
   * Until when a run has begun that is of the lease that a step ends. An agent that takes its lost lease over, or claims
   * what it has just released, may start the document at once: that run is of its new lease.
   */
  #latestMs({ lease }: Story, step: Step, after: State, wall: number): number {
    if (step === "takeover" && after._pull?.owner === lease?.owner) return wall - 1;
    return step === "release" ? wall : wall + SAME_TIME_MS;
  }

  /** The run under the document's lease, if it has begun by then. */
  #runOf(story: Story, latestMs: number): Run | undefined {
    const { lease } = story;
    if (!lease) return undefined;
    const isShifted = this.#disturbances.isShifted(lease.owner);
    const fitting = story.runs.filter(({ agent, attempt, beganMs }) =>
      agent === lease.owner && attempt === lease.attempt &&
      (isShifted || (beganMs >= lease.sinceMs - SAME_TIME_MS && beganMs <= latestMs))
    );
    // Both began so early after a release that each may be of it: one of them is.
    const isLost = fitting.length > 1 && this.#isOfLost(story, fitting[0]!);
    if (!isShifted && fitting.length > 1 && (isLost || isOfReleased(story, fitting[0]!))) {
      this.#breaches.count(isLost ? "runs without a lease, cut" : "runs under a lease");
      story.runs = story.runs.filter((each) => each !== fitting[0]);
      fitting.shift();
    }
    for (const run of isShifted ? fitting.slice(0, 1) : fitting) {
      story.runs = story.runs.filter((each) => each !== run);
      this.#breaches.count("runs under a lease");
      if (lease.run) {
        this.#breaches.add("runs are of leases", story, `${lease.owner} runs it twice under one lease`);
      }
      lease.run ??= run;
      this.#judgeRun(story, lease, run);
    }
    return lease.run;
  }

  /** An agent that was cut off may start a document of a range that it has lost meanwhile, and may hold it again. */
  #isOfLost({ lost }: Story, { agent, attempt, beganMs }: Run): boolean {
    const { leaseMs } = this.#terms;
    return lost?.agent === agent && lost.attempt === attempt && beganMs <= lost.atMs + leaseMs &&
      this.#disturbances.wasCutOff(agent, lost.atMs - 2 * leaseMs, lost.atMs);
  }

  #judgeRun(story: Story, lease: Lease, { agent, beganMs, given }: Run): void {
    const { _pull } = lease.claimed;
    const { markedMs = Infinity } = lease;
    const isMarked = this.#disturbances.isShifted(agent)
      ? markedMs < Infinity
      : markedMs <= beganMs + SAME_TIME_MS;
    if (isSuspect(lease) && !isMarked) this.#breaches.add("suspects", story, "it runs without its mark");
    if (_pull!.dead_at !== undefined || _pull!.alone >= 2) {
      this.#breaches.add("letters and verdicts", story, `${agent} runs it, and it is to be a dead letter`);
    }
    const saved = JSON.stringify(_pull!.saved?.data);
    if (saved !== given) this.#breaches.add("checkpoints", story, `its run gets ${given}, saved is ${saved}`);
  }

  #howOf({ agent, end }: Run, wall: number): "done" | "failed" | "open" {
    const isOver = end !== undefined &&
      (end.atMs <= wall + SAME_TIME_MS || this.#disturbances.isShifted(agent));
    return isOver ? end.how : "open";
  }
}

/** A new document carries nothing. */
function isNew({ _pull, status }: State): boolean {
  return status === "pending" && _pull === undefined;
}

/**
 * A new document in a range, as if it had the lease that stands on the range. If the range was taken over, the document may
 * have run under the lease that was lost, and is still held under it: what its holder writes late counts until the document
 * has its bookkeeping.
 *
 * @param writer the agent that writes, as far as its session tells it; otherwise the runs tell it
 */
function inRange(story: Story, part: HeldPart, { _pull, status }: State, writer?: string): State {
  const isUnheld = status === "pending" && _pull?.takeovers === 1;
  const { lost = part } = part;
  const hasRun = (agent: string) => story.runs.some((run) => run.agent === agent);
  const isOfLost = writer === undefined ? hasRun(lost.owner) && !hasRun(part.owner) : writer === lost.owner;
  const isLate = !isUnheld && (_pull?.token === lost.token || isOfLost);
  const { owner, token, visible_at } = isLate ? lost : part;
  const claimed = { ...story.state, status: "processing", _pull: { token, owner, visible_at, attempts: 1 } };
  const { askedMs, owner: whose, sinceMs } = isUnheld || isLate ? lost : part;
  story.lease = { owner: whose, sinceMs, askedMs, attempt: 1, claimed };
  return claimed;
}

/** Whether a run may be of a lease that its holder has released: the server's time of a write is a little early. */
function isOfReleased(story: Story | undefined, { agent, attempt, beganMs }: Run): boolean {
  const { released } = story ?? {};
  return released?.agent === agent && released.attempt === attempt &&
    beganMs >= released.atMs && beganMs <= released.atMs + SAME_TIME_MS;
}

const PROTOCOL_FIELDS: ReadonlySet<string> = new Set(["status", "_pull", "error", "processed_at"]);

/** Steps that only the holder of the lease makes. */
const OF_HOLDER: ReadonlySet<Step> = new Set(
  ["renewal", "leave", "mark", "verdict", "ack", "nack", "release", "snooze", "failed"] as const,
);

/** Steps by which another agent gets what a holder has lost. */
const TAKEOVERS: ReadonlySet<Step> = new Set(["takeover", "unheld"] as const);

/** Steps before which the run under the lease has ended, or is cut short. */
const ENDINGS: ReadonlySet<Step> = new Set(
  [
    "takeover",
    "unheld",
    "verdict",
    "ack",
    "nack",
    "release",
    "snooze",
    "failed",
    "referred",
    "cancel",
    "requeue",
  ] as const,
);

const FAILURES: ReadonlySet<Step> = new Set(["nack", "verdict"] as const);

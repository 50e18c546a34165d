import type { Model, Step } from "../explorer.ts";
import { ClaimSteps } from "./claim_steps.ts";
import { DocumentSteps } from "./document_steps.ts";
import type { RangeFault } from "./faults.ts";
import { HeldRangeSteps } from "./held_range_steps.ts";
import { keyOf } from "./key.ts";
import { LeftRangeSteps } from "./left_range_steps.ts";
import { ModeSteps } from "./mode_steps.ts";
import type { RangeNature, RangeProtocol } from "./protocol.ts";
import type { Range } from "./range.ts";
import type { RangeRuleName } from "./rules.ts";
import { ended, faulty, heldBy, NOTHING, type RangeDoc, type RangeState, START } from "./state.ts";
import type { Task } from "./task.ts";
import { WorldSteps } from "./world_steps.ts";

/** Processes that a poison document ends beside other documents, at most: as in document mode. */
const MOST_ENDED = 2;

const UNSETTLED: ReadonlySet<RangeDoc["status"]> = new Set(["absent", "pending", "working"]);

/** Range claims, and the claims by document beside them, which are abstract here. */
export class Ranges implements Model<RangeState> {
  readonly #options: RangesOptions;
  readonly #claims: ClaimSteps;
  readonly #held: HeldRangeSteps;
  readonly #left: LeftRangeSteps;
  readonly #documents: DocumentSteps;
  readonly #modes: ModeSteps;
  readonly #world: WorldSteps;
  readonly #protocol: RangeProtocol;

  constructor(options: RangesOptions) {
    const {
      natures,
      batch,
      most = Infinity,
      slow = [],
      claimsAside = false,
      documentAgents = [],
      silentAgents = [],
      types = natures.map(() => ""),
      filters,
      without,
    } = options;
    this.#options = options;
    const protocol: RangeProtocol = this.#protocol = {
      natures,
      batch,
      most,
      claimsAside,
      reaches: (doc, { from, to }) => {
        const isOfType = (bound: number) => bound === START || types[bound] === types[doc];
        // In the order of the index all ids of one type come before all of the next.
        return without !== "boundsByIndex" || (isOfType(from) && (to === undefined || isOfType(to)));
      },
      isSlow: (doc) => slow.includes(doc),
      isDocumentAgent: (at) => documentAgents.includes(at) || silentAgents.includes(at),
      isSilent: (at) => silentAgents.includes(at),
      sees: (at, doc) => filters === undefined || filters[at]!.includes(doc),
      hasFilterOfRanges: (at) => filters === undefined || filters[at] === filters[0],
      has: (rule) => rule !== without,
    };
    this.#claims = new ClaimSteps(protocol);
    this.#held = new HeldRangeSteps(protocol);
    this.#left = new LeftRangeSteps(protocol);
    this.#documents = new DocumentSteps(protocol);
    this.#modes = new ModeSteps(protocol);
    this.#world = new WorldSteps(protocol);
  }

  initial(): RangeState {
    const { natures, agents, documentAgents = [], late = [], budget = {} } = this.#options;
    const inserted: RangeDoc = {
      status: "pending",
      ...NOTHING,
      runs: 0,
      excuses: 0,
      isLocked: false,
      effects: 0,
      ended: 0,
    };
    return {
      docs: natures.map((_, doc) => late.includes(doc) ? { ...inserted, status: "absent" } : inserted),
      position: START,
      version: 0,
      ranges: [],
      mode: { name: documentAgents.length > 0 ? "document" : "range", isLive: false },
      agents: Array.from({ length: agents }, () => undefined),
      hasMode: Array.from({ length: agents }, () => false),
      shown: Array.from({ length: agents }, () => false),
      late: [],
      budget,
    };
  }

  next(state: RangeState): readonly Step<RangeState>[] {
    if (state.undone) return this.#modes.undoing(state, this.#readings(state));
    const steps: Step<RangeState>[] = [];
    for (const [at, task] of state.agents.entries()) {
      const name = "ABC"[at]!;
      if (!task) {
        if (!this.#protocol.isDocumentAgent(at)) steps.push(...this.#claims.idle(state, at, name));
        steps.push(...this.#left.idle(state, at, name), ...this.#documents.idle(state, at, name));
        continue;
      }
      steps.push(...this.#of(state, at, name, task));
      const killed = faulty(state, "crash");
      if (killed) steps.push({ label: `${name} is killed`, state: ended(killed, at, heldBy(task)) });
    }
    return [...steps, ...this.#modes.of(state), ...this.#world.of(state)];
  }

  /** What agents can read of the control document, each step by itself. */
  #readings(state: RangeState): Step<RangeState>[] {
    return state.agents.flatMap((task, at) => {
      const name = "ABC"[at]!;
      if (task?.kind === "control") return this.#claims.control(state, at, name, task);
      return task || this.#protocol.isDocumentAgent(at) ? [] : this.#claims.idle(state, at, name);
    });
  }

  #of(state: RangeState, at: number, name: string, task: Task): Step<RangeState>[] {
    switch (task.kind) {
      case "control":
        return this.#claims.control(state, at, name, task);
      case "look":
        return this.#claims.look(state, at, name);
      case "ids":
        return this.#claims.ids(state, at, name, task);
      case "swap":
        return this.#claims.swap(state, at, name, task);
      case "range":
        return this.#held.of(state, at, name, task);
      case "left":
        return this.#left.of(state, at, name, task);
      case "candidate":
        return this.#documents.candidate(state, at, name, task);
      case "document":
        return this.#documents.document(state, at, name, task);
    }
  }

  problemOf({ docs, ranges }: RangeState): string | undefined {
    for (const [doc, { status, runs, excuses, effects, ended, hasLetter, isStopped }] of docs.entries()) {
      if (isStopped && status !== "stopped") return `d${doc} has lost the status that a user gave it`;
      if (status === "done" && runs === 0) {
        return `d${doc} is marked as processed, and no handler has processed it`;
      }
      if (status === "done" && hasLetter) return `d${doc} is processed, and has a dead letter`;
      if (effects > 1) return `the writes of d${doc} were made ${effects} times`;
      if (status === "done" && effects === 0 && this.#protocol.natures[doc] === "writing") {
        return `d${doc} is processed without its writes`;
      }
      if (runs > 1 + excuses) {
        const why = excuses === 0
          ? "no agent that held it was killed or frozen"
          : `agents that held it were killed or frozen ${excuses} times`;
        return `d${doc} was processed ${runs} times, and ${why}`;
      }
      if (ended > MOST_ENDED) return `d${doc} has ended ${ended} processes beside other documents`;
    }
    const overlap = ranges.some((one, at) =>
      ranges.slice(at + 1).some((other) => Math.max(one.from, other.from) < Math.min(one.to, other.to))
    );
    return overlap ? "two ranges overlap" : undefined;
  }

  isSettled({ docs, ranges, agents }: RangeState): boolean {
    const isEndless = (doc: number) => this.#protocol.natures[doc] === "endless";
    const isIdle = (task: Task | undefined) => task === undefined || heldBy(task).every(isEndless);
    // A range may be left that is held for the sake of such a document.
    const isHeld = ({ token }: Range) =>
      agents.some((task) => task?.kind === "range" && task.token === token);
    return agents.every(isIdle) && ranges.every(isHeld) &&
      docs.every(({ status }, doc) => isEndless(doc) || !UNSETTLED.has(status));
  }

  keyOf(state: RangeState): string {
    return keyOf(state, this.#protocol);
  }
}

/** What a scenario of range claims is made of. */
export interface RangesOptions {
  natures: readonly RangeNature[];
  agents: number;
  batch: number;
  /** Documents of a range that one takeover marks at most, if there is such a limit. */
  most?: number;
  /** Documents whose runs last until the first renewal, or make a checkpoint before. */
  slow?: readonly number[];
  /** Whether agents also claim ranges at a random place. */
  claimsAside?: boolean;
  /** Agents that are in document mode. */
  documentAgents?: readonly number[];
  /** Agents that are in document mode and do not know of modes. */
  silentAgents?: readonly number[];
  /** The type of each `_id`, if they differ. */
  types?: readonly string[];
  /** The documents that the `FILTER` of each agent matches, if they differ. That of A is in the control document. */
  filters?: readonly (readonly number[])[];
  /** Documents that are inserted at some later time. */
  late?: readonly number[];
  budget?: Partial<Record<RangeFault, number>>;
  without?: RangeRuleName;
}

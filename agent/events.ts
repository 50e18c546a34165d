import type { SafeText } from "./text/redact.ts";

/** What the agent is doing: see the state diagram in the documentation. */
export type AgentState = "starting" | "running" | "paused" | "draining" | "stopped";

/** What is done after the database refused an outcome; `nothing` if nothing more can be written. */
export type AfterRefusal = "nack" | "nack_without_error" | "dead_letter" | "nothing";

/** A kind of write that ends a lease. `ack_with_writes`: an ack together with the writes that the processor asks for. */
export type SettleKind =
  | "ack"
  | "ack_with_writes"
  | "nack"
  | "release"
  | "snooze"
  | "dead_letter"
  | "finish_verdict";

/** Documents that wait, and that no claim can take. */
export interface LeftAlone {
  /** How many there are; at least so many if `isMore`. */
  readonly documents: number;
  readonly isMore: boolean;
  /** The `_id` of one of them. */
  readonly example: unknown;
  readonly reason: unknown;
}

/** Which server answers, for people. */
export interface ServerNote {
  /** Its product and version. */
  readonly name: string;
  /** What it lacks of what MongoDB has, a few words each. */
  readonly lacks: readonly string[];
  /** What the agent does instead, a sentence each. */
  readonly instead: readonly string[];
}

/** What waits in MongoDB, as one look has found it. What is not known is undefined, and never a guess. */
export interface Backlog {
  /**
   * Documents that a claim could take at that moment: new ones, due ones and expired leases, of those that match
   * `FILTER`. {@linkcode MAX_COUNTED} stands for as many or more.
   */
  readonly claimable: number | undefined;
  /**
   * How long the oldest of them has waited, in milliseconds; 0 if there are none. A new document waits since the time in
   * its `_id`: one whose `_id` is not an ObjectId does not tell.
   */
  readonly oldestMs: number | undefined;
  /** Dead letters of the collection. {@linkcode MAX_COUNTED} stands for as many or more. */
  readonly deadLetters: number | undefined;
}

/** Documents and dead letters are counted up to this number: more costs MongoDB more than the number is worth. */
export const MAX_COUNTED = 10_000;

/**
 * Everything that happens in the agent and that a part outside may want to know. Logs, counters and health files
 * subscribe; the agent waits for none of them.
 */
export type AgentEvent =
  | { type: "state_changed"; from: AgentState; to: AgentState }
  /** An operator has paused or resumed the agent. Its state follows at once, unless it starts or drains. */
  | {
    type: "pause_changed";
    state: "running" | "paused";
    source: string;
    /** Who asked for it and why, if the source tells. */
    by?: string | undefined;
    reason?: string | undefined;
  }
  | {
    type: "claimed";
    documents: number;
    takeovers: number;
    conflicts: number;
    elapsedMs: number;
    /** How many of them were claimed as new ones, in the agent's mode. */
    newDocuments?: number;
  }
  | { type: "claim_refused"; id: unknown; error: unknown }
  | {
    type: "claim_failed";
    error: unknown;
    retryInMs: number;
    /** The failure does not pass by itself. */
    isLasting?: boolean;
  }
  /** The registry of the fleet can be used again: the agent could not claim because of it. */
  | { type: "registry_answers" }
  /** Documents have to wait for others of the same key, which is normal. */
  | { type: "claims_held_up"; reason: unknown }
  /** Documents that wait and cannot be claimed, as far as a look found them. */
  | { type: "left_alone"; groups: readonly LeftAlone[] }
  /** What waits, as this agent or another of its fleet has found it, `agoMs` ago. */
  | { type: "backlog_seen"; backlog: Backlog; agoMs: number }
  /** A suspect is about to run, with nothing else in flight: agents have ended or frozen while they held it. */
  | { type: "runs_alone"; id: unknown; attempt: number }
  /** It is known which server answers, and what it lacks: it was asked, or has just refused what it was used for. */
  | { type: "server_known"; server: ServerNote; by: "question" | "use" }
  | { type: "reachable_changed"; isReachable: boolean; error?: unknown }
  | { type: "processed"; documents: number }
  | { type: "handler_failed"; id: unknown; attempt: number; error: unknown }
  | { type: "retried"; id: unknown; attempt: number; error: SafeText; delayMs: number }
  /**
   * This many of the documents named are set back to pending. It is not known which, as others changed them meanwhile.
   */
  | { type: "retried_among"; documents: number; ids: readonly unknown[] }
  | { type: "dead_lettered"; id: unknown; attempt: number; error: SafeText }
  /**
   * `aborted` of the documents were in a handler, which may have done a part of its work. The results of `hadNoRoom` of
   * them could not be held. MongoDB took no ack of `inDoubt` of them. The handler failed for `spared` of them, as it does for
   * all.
   */
  | {
    type: "released";
    documents: number;
    aborted: number;
    hadNoRoom?: number;
    inDoubt?: number;
    spared?: number;
  }
  /** Their processor has put them off: they are due later, and their attempt does not count. */
  | { type: "snoozed"; documents: number }
  /** If more ids are named than documents, it is not known which of them. */
  | {
    type: "lease_lost";
    documents: number;
    ids: readonly unknown[];
    during: SettleKind | "renew";
  }
  /** An operator has canceled documents of this agent, whose handlers are aborted. */
  | { type: "canceled"; documents: number; ids: readonly unknown[] }
  /** Named as for a lost lease. */
  | { type: "unconfirmed"; documents: number; ids: readonly unknown[]; during: SettleKind }
  | {
    type: "settle_failed";
    kind: SettleKind;
    documents: number;
    error: unknown;
    retryInMs: number;
    /** The failure does not pass by itself: a right is missing. */
    isLasting?: boolean;
    /** It is not known whether the documents or the server are at fault. */
    isDoubtful?: boolean;
  }
  | {
    type: "settle_rejected";
    kind: SettleKind;
    id: unknown;
    attempt: number;
    error: unknown;
    /** The error that could not be written on the document. */
    failure?: SafeText | undefined;
    next: AfterRefusal;
  }
  /** An outcome is written of a document that took none before: its `settle_rejected` said that nothing is next. */
  | { type: "settled_at_last"; id: unknown }
  /** MongoDB does not let a document take a checkpoint of its run. Told once for each run. */
  | { type: "checkpoint_refused"; id: unknown; attempt: number; error: unknown }
  | { type: "renew_failed"; documents: number; error: unknown }
  | { type: "handler_timed_out"; id: unknown; attempt: number; timeoutMs: number }
  | { type: "handler_returned_late"; id: unknown; attempt: number; elapsedMs: number }
  | { type: "result_ignored"; id: unknown; fields: readonly string[] }
  /** `at`: the place in the processor, as `file:line`, if its stack tells. */
  | { type: "unhandled_error"; error: unknown; isPromise?: boolean; at?: string | undefined }
  /**
   * The handler fails for one document after the other: nothing is claimed for `retryInMs`. `isAgain`: it was open before,
   * for `openForMs` by now. `isLasting`: that is long.
   */
  | {
    type: "breaker_opened";
    error: unknown;
    retryInMs: number;
    openForMs: number;
    isAgain: boolean;
    isLasting: boolean;
  }
  /** One document after the other is tried from now on, until one succeeds or some have failed. */
  | { type: "breaker_half_opened" }
  /** The handler works again: it had been open for so long. */
  | { type: "breaker_closed"; openForMs: number }
  | { type: "progress"; stage: Stage; deadlineMs: number }
  | { type: "drain_started"; reason: string; inFlight: number }
  | { type: "force_started"; reason: string; inFlight: number }
  | { type: "drain_finished"; elapsedMs: number; finished: number; released: number; abandoned: number };

/** The event of one type. */
export type EventOf<Type extends AgentEvent["type"]> = Extract<AgentEvent, { type: Type }>;

/** Events that show that outcomes can be written. */
const SETTLED = new Set<AgentEvent["type"]>(["processed", "retried", "dead_lettered", "snoozed"]);

/** Whether an event shows that outcomes can be written. A release of documents whose acks are refused does not. */
export function showsThatOutcomesAreWritten(event: AgentEvent): boolean {
  if (event.type === "released") return event.documents > (event.inDoubt ?? 0);
  return SETTLED.has(event.type);
}

/**
 * The present stage of the poll loop. The loop must leave it by the deadline it gave, or it counts as stuck. `limited`: it
 * waits until `RATE_LIMIT` lets it claim.
 */
export type Stage = "claiming" | "full" | "idle" | "limited" | "paused" | "breaker_open" | "draining";

/** Passes events on to all subscribers, in the order of subscription, at once. */
export class Events {
  readonly #listeners: ((event: AgentEvent) => void)[] = [];

  /** Calls `listener` for every event from now on. */
  subscribe(listener: (event: AgentEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls all subscribers. */
  emit(event: AgentEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A subscriber that fails stops neither the work nor the other subscribers. To report that it has failed to
        // report an error would end the process.
        if (event.type !== "unhandled_error") reportError(error);
      }
    }
  }
}

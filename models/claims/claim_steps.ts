import type { Step } from "../explorer.ts";
import { candidateGroups, carriers, claimed, claimedItem, countsAttempt, isTaken } from "./claimable.ts";
import { agentName } from "./run_steps.ts";
import { isLocked } from "./locks.ts";
import { freshToken } from "./fresh.ts";
import { has, type Protocol } from "./protocol.ts";
import {
  type Agent,
  type Candidate,
  isExpiredKind,
  isSuspectKind,
  type Item,
  type Message,
  type PendingClaim,
  spent,
  type State,
  withAgent,
  withDoc,
  without,
} from "./state.ts";

type ClaimMessage = Extract<Message, { kind: "claim" }>;

/** How an agent gets documents: it reads candidates, writes the claim on them, and takes those that carry the token. */
export class ClaimSteps {
  readonly #protocol: Protocol;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** What an agent can do about claims. */
  of(state: State, at: number): Step<State>[] {
    const agent = state.agents[at]!;
    const { claim } = agent;
    if (!claim) return agent.isDraining ? [] : this.#send(state, at, agent);
    if (claim.isReadBack) return [this.#readBack(state, at, agent, claim)];
    const lost = spent(state, "lose");
    if (!lost) return [];
    const label = `${agentName(at)} gets no answer to claim t${claim.token}`;
    const waiting: Agent = { ...agent, claim: { ...claim, isReadBack: true, isLost: true } };
    return [{ label, state: withAgent(lost, at, waiting) }];
  }

  #send(state: State, at: number, agent: Agent): Step<State>[] {
    const isAlone = has(this.#protocol, "suspectsAlone");
    // Nothing is claimed until a suspect is settled.
    if (isAlone && agent.items.some(({ isSuspect }) => isSuspect)) return [];
    const room = this.#protocol.room - agent.items.length;
    if (room <= 0) return [];
    return candidateGroups(state, room, this.#protocol).filter((group) => {
      if (isAlone && isSuspectKind(group[0]!.kind) && agent.items.length > 0) return false;
      return !agent.items.some((item) => group.some(({ doc }) => doc === item.doc));
    }).map((candidates) => {
      const token = freshToken(state);
      const claim = { token, candidates, isReadBack: false, isLost: false };
      const message: Message = { kind: "claim", token, candidates, at: 0, taken: 0 };
      const sent = { ...state, messages: [...state.messages, message] };
      return {
        label: `${agentName(at)} reads ${named(candidates)} and sends claim t${token}`,
        state: withAgent(sent, at, { ...agent, claim }),
      };
    });
  }

  #readBack(state: State, at: number, agent: Agent, claim: PendingClaim): Step<State> {
    const { token, candidates, isLost } = claim;
    const found = has(this.#protocol, "onlyItsToken")
      ? carriers(state, token, candidates)
      : candidates.map((read) => this.#counted(read));
    const items = found.map((carrier): Item => {
      const read = this.#withCheckpoint(carrier, candidates);
      const item = claimedItem(read, token, this.#protocol);
      // A suspect must not run beside other documents: it is claimed again when this agent holds nothing else.
      const isHandedBack = agent.isDraining || (isLost && item.isSuspect);
      return isHandedBack ? { ...item, phase: "back" } : item;
    });
    const label = `${agentName(at)} reads back t${token}: ${items.length > 0 ? docs(items) : "nothing"}`;
    return {
      label,
      state: withAgent(state, at, { ...agent, claim: undefined, items: [...agent.items, ...items] }),
    };
  }

  /** What can happen to a claim that is under way. */
  underWay(state: State, message: ClaimMessage): Step<State>[] {
    const { token, candidates, at, taken } = message;
    const sender = state.agents.findIndex(({ claim }) => claim?.token === token && !claim.isReadBack);
    const isAwaited = sender >= 0;
    const rest = { ...state, messages: without(state.messages, message) };
    if (at === candidates.length) {
      if (isAwaited) return [this.#answer(rest, sender, message)];
      return [{ label: `claim t${token}, given up, is over`, state: rest }];
    }
    const asked = candidates[at]!;
    if (isLocked(state, asked.doc)) return [];
    const doc = state.docs[asked.doc]!;
    const isMatch = isTaken(doc, asked, this.#protocol);
    const next: Message = { ...message, at: at + 1, taken: taken + (isMatch ? 1 : 0) };
    const applied = { ...rest, messages: [...rest.messages, next] };
    const steps: Step<State>[] = [{
      label: `claim t${token} ${isMatch ? "takes" : "does not match"} d${asked.doc}`,
      state: isMatch
        ? withDoc(applied, asked.doc, claimed(asked.doc, doc, asked, token, this.#protocol))
        : applied,
      problem: isMatch ? problemOfClaim(doc, asked) : undefined,
    }];
    if (at === 0 && !isAwaited) {
      steps.push({ label: `claim t${token}, given up, never arrives`, state: rest });
    }
    return steps;
  }

  #answer(state: State, at: number, { token, candidates, taken }: ClaimMessage): Step<State> {
    const agent = state.agents[at]!;
    const claim = agent.claim!;
    const areAllTaken = taken === candidates.length || !has(this.#protocol, "onlyItsToken");
    const label = `claim t${token} is answered: ${taken} of ${candidates.length} taken`;
    if (areAllTaken && this.#isUsedAsRead(candidates)) {
      const items = candidates.map((read): Item => {
        const item = claimedItem(this.#counted(read), token, this.#protocol);
        const { token: now, truth: { life } } = state.docs[read.doc]!;
        // For the properties: it counts whether it was started over after the claim, not after it was read.
        const known = now === token ? { ...item, life } : item;
        return agent.isDraining ? { ...known, phase: "back" } : known;
      });
      const holding: Agent = { ...agent, claim: undefined, items: [...agent.items, ...items] };
      return { label, state: withAgent(state, at, holding) };
    }
    return { label, state: withAgent(state, at, { ...agent, claim: { ...claim, isReadBack: true } }) };
  }

  /** A candidate as the claim leaves it, if nothing has changed since it was read. */
  #counted(read: Candidate): Candidate {
    return { ...read, attempts: read.attempts + (countsAttempt(read, this.#protocol) ? 1 : 0) };
  }

  #withCheckpoint(carrier: Candidate, asRead: readonly Candidate[]): Candidate {
    if (has(this.#protocol, "checkpointReadBack")) return carrier;
    const { saved, savedIn } = asRead.find(({ doc }) => doc === carrier.doc)!;
    return { ...carrier, saved, savedIn };
  }

  /** Documents without bookkeeping are as they were read; those that have it may have changed. */
  #isUsedAsRead(candidates: readonly Candidate[]): boolean {
    if (this.#protocol.readsAllBack) return false;
    if (!has(this.#protocol, "readsBookkeepingBack")) return true;
    return candidates.every(({ kind }) => kind === "new_documents");
  }
}

function problemOfClaim(
  { status, isLive, isAsleep, truth }: State["docs"][number],
  { doc, kind }: Candidate,
) {
  if (isAsleep) return `d${doc} was snoozed, and is claimed before its time`;
  if (truth.isForeign) return `d${doc} is taken from another program that works on it`;
  if (status === "done" || status === "failed") return `d${doc} was settled, and is claimed again`;
  const isStolen = status === "working" && isLive && !isExpiredKind(kind);
  return isStolen ? `d${doc} is claimed by two agents at once` : undefined;
}

function named(candidates: readonly Candidate[]): string {
  return `${docs(candidates)} (${candidates[0]!.kind})`;
}

function docs(items: readonly { doc: number }[]): string {
  return items.map(({ doc }) => `d${doc}`).join(", ");
}

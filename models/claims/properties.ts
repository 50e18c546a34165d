import { asksForWrites, isInnocent, mayEnd, type Nature } from "./natures.ts";
import type { Protocol } from "./protocol.ts";
import type { Fault } from "./faults.ts";
import { type Agent, type Doc, NONE, type State } from "./state.ts";

/** Processes that a document ends, at most: two beside other documents, two while it is alone. */
const MOST_ENDED = 4;

/** If this many leases expire while a document is alone, it is a dead letter. */
const BLAMES = 2;

/** Faults after which a document may be processed again. */
const REPEATING: readonly Fault[] = ["crash", "freeze", "lose", "meddle", "reset", "cancel"];

/** What must hold in every state of the claim protocol. */
export class Properties {
  readonly #protocol: Protocol;
  readonly #natures: readonly Nature[];
  readonly #isCalm: boolean;

  constructor(protocol: Protocol, natures: readonly Nature[]) {
    this.#protocol = protocol;
    this.#natures = natures;
    this.#isCalm = !REPEATING.some((fault) => protocol.faults.has(fault)) && !natures.some(mayEnd);
  }

  /** What is wrong with a state; undefined if nothing is. */
  problemOf(state: State): string | undefined {
    for (const [number, doc] of state.docs.entries()) {
      const problem = this.#ofDoc(doc, this.#natures[number]!) ?? ofResult(doc, this.#natures[number]!) ??
        this.#ofLetter(state, number) ??
        this.#ofRuns(state, number);
      if (problem) return `d${number} ${problem}`;
    }
    return state.agents.some(isCrowded) ? "a suspect runs, but not alone" : undefined;
  }

  #ofDoc(doc: Doc, nature: Nature): string | undefined {
    const { maxAttempts, faults } = this.#protocol;
    const { status, attempts, takeovers, truth } = doc;
    // A user who leaves `_pull` behind leaves the attempts, too.
    if (!faults.has("meddle") && (attempts < 0 || attempts > maxAttempts)) {
      return `has ${attempts} attempts, MAX_ATTEMPTS is ${maxAttempts}`;
    }
    if (status === "done" && truth.successes === 0) {
      return "is marked as processed, and no handler has processed it";
    }
    if (status === "failed") {
      const isBlamed = truth.blames >= BLAMES;
      if (truth.failures < maxAttempts && !isBlamed) {
        const failures = `${truth.failures} of ${maxAttempts} attempts failed`;
        return `is a dead letter: ${failures}, leases that ended while it was alone: ${truth.blames}`;
      }
      const mayBeKilled = faults.has("crash") || faults.has("freeze");
      if (isInnocent(nature) && !mayBeKilled) return "is innocent, and a dead letter";
    }
    if (truth.ended > MOST_ENDED) return `has ended ${truth.ended} processes`;
    if (this.#isCalm && truth.successes > 1) return "was processed twice, though nothing went wrong";
    if (this.#isCalm && takeovers > 0) return "had to be taken over, though nothing went wrong";
    return undefined;
  }

  #ofLetter({ docs, letters }: State, number: number): string | undefined {
    const { status, truth: { life } } = docs[number]!;
    const letter = letters[number];
    // A letter that refers to its document is shown once the document is marked, and not before.
    return status === "done" && letter?.life === life && !letter.isReference
      ? "is processed, and its dead letter is out"
      : undefined;
  }

  #ofRuns({ agents }: State, number: number): string | undefined {
    const { faults } = this.#protocol;
    const mayOverlap = REPEATING.some((fault) => fault !== "crash" && faults.has(fault));
    if (mayOverlap) return undefined;
    const runs = agents.filter(({ items }) =>
      items.some(({ doc, phase }) => doc === number && phase === "running")
    );
    return runs.length > 1 ? "is processed by two agents at once" : undefined;
  }
}

/** What is wrong with what a document's runs have left. */
function ofResult({ status, truth, snoozes, saved }: Doc, nature: Nature): string | undefined {
  if (truth.effects > 1) return "has its effects twice";
  if (truth.effects > 0 && status !== "done") return "has its effects, and is not processed";
  if (status === "done" && asksForWrites(nature) && truth.effects === 0) {
    return "is processed, and has no effects";
  }
  if (snoozes > truth.dozes) return `was snoozed ${truth.dozes} times, and says ${snoozes}`;
  if (status === "done" && saved !== NONE) return "is processed, and keeps its checkpoint";
  const isToRun = status === "pending" || status === "working";
  return isToRun && saved < truth.confirmed
    ? `has checkpoint ${saved}, and its holder was told that ${truth.confirmed} is written`
    : undefined;
}

/** A suspect that runs, or is about to, beside a handler that runs. */
function isCrowded({ items }: Agent): boolean {
  const started = items.filter(({ phase }) => phase === "running" || phase === "marked");
  return started.length > 1 && started.some(({ isSuspect }) => isSuspect);
}

import type { AgentEvent, AgentState, EventOf, Events } from "../../agent/events.ts";
import { errorText } from "../../agent/errors.ts";
import { DEFAULT_TIMEOUT_MS } from "./wait.ts";

/** Remembers every event, so that a test can await what they tell, whether it has come yet or not. */
export class EventRecorder {
  readonly all: AgentEvent[] = [];
  /** Per kind of event, how many of {@linkcode EventRecorder.all} have been handed out or passed over. */
  readonly #seen = new Map<AgentEvent["type"], number>();
  readonly #waiting = new Set<() => void>();

  /** @param accept which events to remember: of an agent that is not on a manual clock, the loop's steps are many */
  constructor(events: Events, accept: (event: AgentEvent) => boolean = () => true) {
    events.subscribe((event) => {
      if (!accept(event)) return;
      this.all.push(event);
      for (const look of [...this.#waiting]) look();
    });
  }

  /** All events of one kind so far. */
  of<T extends AgentEvent["type"]>(type: T): EventOf<T>[] {
    return this.all.filter((event): event is EventOf<T> => event.type === type);
  }

  /**
   * Resolves to what `look` returns as soon as that is truthy. It is called at once and after each event, so it has to
   * depend on events alone.
   *
   * @throws {Error} If that does not happen in time; says what came instead. Otherwise what `look` throws.
   */
  async until<T>(
    description: string,
    look: () => T,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: { timeoutMs?: number } = {},
  ): Promise<NonNullable<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<NonNullable<T>>();
    const lookAgain = () => {
      try {
        const found = look();
        if (found) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      const came = this.all.map(briefly).join(", ") || "nothing";
      reject(new Error(`Waited ${timeoutMs} ms for ${description} in vain; there came: ${came}`));
    }, timeoutMs);
    this.#waiting.add(lookAgain);
    lookAgain();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(lookAgain);
    }
  }

  /** Resolves with the next event of a kind that `accept` accepts, each event once. */
  next<T extends AgentEvent["type"]>(
    type: T,
    accept: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    return this.until(`the event "${type}"`, () => this.#take(type, accept));
  }

  /** Resolves once the agent enters a state (again). */
  async state(to: AgentState): Promise<void> {
    await this.next("state_changed", (event) => event.to === to);
  }

  #take<T extends AgentEvent["type"]>(
    type: T,
    accept: (event: EventOf<T>) => boolean,
  ): EventOf<T> | undefined {
    const events = this.of(type);
    const from = this.#seen.get(type) ?? 0;
    const index = events.findIndex((event, at) => at >= from && accept(event));
    if (index < 0) return undefined;
    this.#seen.set(type, index + 1);
    return events[index];
  }
}

/** The kind of an event, with its error if it has one: a wait that was in vain often tells by them why. */
function briefly(event: AgentEvent): string {
  return "error" in event ? `${event.type} (${errorText(event.error)})` : event.type;
}

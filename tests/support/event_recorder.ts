import type { AgentEvent, AgentState, Events } from "../../agent/events.ts";

/** The longest a test waits for any event, in milliseconds. Only tests that fail wait that long. */
const TIMEOUT_MS = 10_000;

type EventOf<T extends AgentEvent["type"]> = Extract<AgentEvent, { type: T }>;

/** Remembers every event, so that a test can await the next of a kind, whether it has come yet or not. */
export class EventRecorder {
  readonly all: AgentEvent[] = [];
  /** Per kind of event, how many of {@linkcode EventRecorder.all} have been handed out or passed over. */
  readonly #seen = new Map<AgentEvent["type"], number>();
  readonly #waiting = new Set<() => void>();

  constructor(events: Events) {
    events.subscribe((event) => {
      this.all.push(event);
      for (const look of [...this.#waiting]) look();
    });
  }

  /** All events of one kind so far. */
  of<T extends AgentEvent["type"]>(type: T): EventOf<T>[] {
    return this.all.filter((event): event is EventOf<T> => event.type === type);
  }

  /**
   * Resolves with the next event of a kind that `accept` accepts, each event once.
   *
   * @throws {Error} If none comes in time; says what came instead.
   */
  async next<T extends AgentEvent["type"]>(
    type: T,
    accept: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let look: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        look = () => {
          const found = this.#take(type, accept);
          if (found) resolve(found);
        };
        timer = setTimeout(() => {
          const came = this.all.map((event) => event.type).join(", ") || "nothing";
          reject(new Error(`Waited ${TIMEOUT_MS} ms for the event "${type}" in vain; there came: ${came}`));
        }, TIMEOUT_MS);
        this.#waiting.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      if (look) this.#waiting.delete(look);
    }
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

import { errorText } from "../../agent/errors.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { InterruptibleSleep } from "../../agent/lib/interruptible_sleep.ts";
import { pastText } from "../../agent/text/duration_text.ts";
import { leave } from "../../agent/processors/exit_guard.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import { atStopSignals } from "../interruption.ts";
import type { Overview } from "../fleet/overview.ts";
import { afterKey } from "./after_key.ts";
import { keysIn } from "./keys.ts";
import { type Style, written } from "./line.ts";
import { Screen } from "./screen.ts";
import { screenLines } from "./screen_lines.ts";
import { FIRST_VIEW, shownAgents, type View } from "./view.ts";

/** Without an answer for so long, in milliseconds, the screen says so. */
const NO_ANSWER_MS = 3000;
const TICK_MS = 1000;

/** The screen of `top`: looks again and again, and shows what it has found and chosen, until it is ended. */
export class Top {
  readonly #options: TopOptions;
  readonly #pause: InterruptibleSleep;
  readonly #ending = Promise.withResolvers<number>();
  readonly #screen = new Screen((error) => this.#ending.reject(error));
  #view: View = FIRST_VIEW;
  #overview: Overview | undefined;
  #failure: { readonly text: string; readonly at: string } | undefined;
  /** When the look began that has no answer yet, by the monotonic clock. */
  #askedAtMs: number | undefined;

  constructor(options: TopOptions) {
    this.#options = options;
    this.#pause = new InterruptibleSleep(options.clock);
  }

  /**
   * Returns the exit status once it is ended.
   *
   * @throws {CommandError} If the terminal cannot be written.
   */
  async run(): Promise<number> {
    atStopSignals((status) => this.#leave(status));
    this.#screen.open();
    this.#screen.onResize(() => this.#show());
    this.#show();
    this.#tick();
    this.#readKeys().catch((error) => this.#ending.reject(error));
    this.#look().catch((error) => this.#ending.reject(error));
    try {
      return await this.#ending.promise;
    } finally {
      await this.#screen.leave();
    }
  }

  #leave(status: number): void {
    this.#screen.leave().then(() => leave(status));
  }

  async #readKeys(): Promise<void> {
    for await (const sent of this.#screen.sent()) {
      for (const key of keysIn(sent)) this.#take(key);
      this.#show();
    }
    // The terminal is gone, and no signal may come.
    if (this.#screen.hasKeys) this.#ending.resolve(0);
  }

  #take(key: string): void {
    const { length } = shownAgents(this.#overview?.agents ?? [], this.#view);
    const { view, wants } = afterKey(this.#view, key, length);
    this.#view = view;
    if (wants === "quit") this.#ending.resolve(0);
    if (wants === "look") this.#pause.wake();
  }

  async #look(): Promise<never> {
    const { clock, everyMs, overviews } = this.#options;
    const forever = new AbortController().signal;
    for (;;) {
      this.#pause.forget();
      if (!this.#view.isPaused) {
        this.#askedAtMs = clock.monotonicMs();
        try {
          const found = await overviews.look();
          // What was held meanwhile stays.
          if (!this.#view.isPaused) this.#overview = found;
          this.#failure = undefined;
        } catch (error) {
          if (!isMongoError(error) && !isMongoError((error as Error).cause)) throw error;
          this.#failure ??= { at: new Date().toISOString(), text: "" };
          this.#failure = { ...this.#failure, text: errorText(error) };
        }
        this.#askedAtMs = undefined;
        this.#show();
      }
      await this.#pause.sleep(everyMs, forever);
    }
  }

  #tick(): void {
    const { clock } = this.#options;
    // A terminal may not tell that its size has changed.
    clock.after(TICK_MS, () => {
      this.#show();
      this.#tick();
    });
  }

  #show(): void {
    const { everyMs, source, style } = this.#options;
    const { size } = this.#screen;
    const known = { overview: this.#overview, problem: this.#problem, everyS: everyMs / 1000, source };
    this.#screen.show(screenLines(known, this.#view, size).map((line) => written(line, size.columns, style)));
  }

  /** Why what is shown is not new. */
  get #problem(): string | undefined {
    const now = new Date();
    if (this.#failure) return `No answer since ${pastText(this.#failure.at, now)}: ${this.#failure.text}`;
    const waitedMs = this.#askedAtMs === undefined ? 0 : this.#options.clock.monotonicMs() - this.#askedAtMs;
    if (waitedMs < NO_ANSWER_MS) return undefined;
    return `No answer from MongoDB for ${Math.floor(waitedMs / 1000)} s: what is shown is older`;
  }
}

/** What {@linkcode Top} needs. */
export interface TopOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly overviews: { look(): Promise<Overview> };
  /** What is looked at, as it is shown. */
  readonly source: string;
  readonly style: Style;
}

import { errorText } from "../../agent/errors.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/**
 * Reports on standard error that MongoDB is out of reach, from the start or later, and that it is back: an operator reads
 * the log of a dashboard before a browser shows its page. All is well without a line.
 */
export class ConnectionReport {
  readonly #store: Pick<MongoStore, "connect" | "listen">;
  #isOut = false;
  #isOver = false;

  constructor(store: Pick<MongoStore, "connect" | "listen">) {
    this.#store = store;
  }

  /** Connects, and reports from now on. Never throws. */
  async begin(): Promise<void> {
    this.#store.listen({
      onReachable: (isReachable, error) => isReachable ? this.#isBack() : this.#isAway(error),
      onRenewed: () =>
        this.#say("Connected to MongoDB anew, with the changed connection string or certificates"),
      onStale: (reason) =>
        this.#say(
          "The connection string or its certificates have changed and cannot be used: the earlier ones stay in use " +
            `(${reason})`,
        ),
    });
    try {
      await this.#store.connect();
    } catch (error) {
      this.#isAway(error);
    }
  }

  /** Reports no more: the dashboard itself closes its connections. */
  end(): void {
    this.#isOver = true;
  }

  #isAway(error: unknown): void {
    if (this.#isOut) return;
    this.#isOut = true;
    const why = error === undefined ? "" : ` (${inOneLine(errorText(error))})`;
    this.#say(`MongoDB is out of reach${why}: the dashboard goes on, and tells it to viewers`);
  }

  #isBack(): void {
    if (this.#isOut) this.#say("MongoDB is in reach");
    this.#isOut = false;
  }

  #say(text: string): void {
    if (!this.#isOver) remarks.say(`pulling-agent: ${text}`);
  }
}

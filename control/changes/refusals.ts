import { errorText } from "../../agent/errors.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/** Refusals that are shown, at most: an index or a validator may refuse all documents. */
const SHOWN = 20;

/** Counts what the database has refused to a command, and shows the first of it. */
export class Refusals {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `what` was refused, such as `42 was refused`. */
  add(what: string, why: unknown): void {
    this.#count += 1;
    if (this.#count <= SHOWN) remarks.say(`${what}: ${inOneLine(errorText(why))}`);
    if (this.#count === SHOWN) remarks.say("More refusals are counted, and not shown");
  }

  /** For the end of a report: empty if there are none. */
  get text(): string {
    return this.#count > 0 ? `; ${this.#count} refused` : "";
  }
}

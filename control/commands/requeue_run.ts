import { systemClock } from "../../agent/lib/clock.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { idKey } from "../../agent/store/documents/id_key.ts";
import { isForbidden } from "../../agent/store/mongo_errors.ts";
import type { DocumentsToRequeue, ReadPlan } from "../../agent/store/requeue/documents_to_requeue.ts";
import type { Found } from "../../agent/store/requeue/found.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { Interruption } from "../interruption.ts";
import { Progress } from "./command_progress.ts";
import { severalMeant } from "./several_meant.ts";
import { Pace } from "./pace.ts";
import { Refusals } from "./refusals.ts";

/** Documents that are read together, and written together. */
const PAGE = 200;

/** Why a document was left alone. */
type Left = Exclude<Found["standing"], "free"> | "changed";

const REASONS: Record<Left, string> = {
  leased: "being processed by an agent",
  judged: "about to become a dead letter",
  foreign_lease: "in processing by another program (--id takes it all the same)",
  foreign_status: "with a status that is not the agent's (--id takes it all the same)",
  foreign_pull: "with a field _pull that is not the agent's",
  unnameable: "with an _id that JavaScript cannot hold unchanged",
  waiting: "pending and due already",
  changed: "changed meanwhile",
};

/** What is set back although a selection leaves it alone, if it is named by its id. */
const BY_ID_ALONE: readonly Found["standing"][] = ["foreign_lease", "foreign_status"];

/** What is no failure for a document that is named by its id. */
const NOTHING_TO_DO: readonly Left[] = ["waiting"];

/** One requeue: it writes the documents that it is given, keeps the pace, counts, and reports. */
export class RequeueRun {
  readonly #documents: DocumentsToRequeue;
  readonly #options: RequeueOptions;
  /** A dry run changes nothing: a signal ends it, even while it waits for the reader of its lines. */
  readonly #interruption: Interruption | undefined;
  readonly #pace: Pace;
  readonly #progress = new Progress(remarks);
  readonly #refused = new Refusals();
  readonly #left = new Map<Left, number>();
  #count = 0;
  /** A write has failed, and may have been made in part. */
  #isUnsure = false;

  constructor(documents: DocumentsToRequeue, options: RequeueOptions) {
    const { isDry, perSecond } = options;
    this.#documents = documents;
    this.#options = options;
    this.#interruption = isDry ? undefined : new Interruption();
    this.#pace = new Pace({
      clock: systemClock,
      atOnce: PAGE,
      perSecond: isDry ? undefined : perSecond,
      signal: this.#interruption?.aborted,
    });
  }

  /** Requeues the documents that are named by their ids; returns the exit status. */
  async byIds(ids: readonly string[]): Promise<number> {
    const known = new Set<string>();
    let isShort = false;
    for (const typed of ids) {
      if (this.#isOver) break;
      const meant: Found[] = [];
      for await (const page of this.#documents.pages(this.#documents.planById(typed), PAGE)) {
        meant.push(...page);
      }
      if (meant.length === 1) {
        // People may type the same id in several ways.
        const fresh = meant.filter(({ id }) => !known.has(idKey(id)));
        for (const { id } of fresh) known.add(idKey(id));
        await this.#write(fresh, undefined);
        continue;
      }
      isShort = true;
      remarks.say(
        meant.length === 0
          ? `There is no document with the id ${printable(JSON.stringify(typed))}`
          : severalMeant(meant.length, typed).message,
      );
    }
    await answers.finish();
    this.#report();
    const isLeft = [...this.#left.keys()].some((left) => !NOTHING_TO_DO.includes(left));
    return this.#interruption?.status || (isShort || isLeft || this.#refused.count > 0 ? 1 : 0);
  }

  /** Requeues the documents that a plan finds; `total` if they could be counted. Returns the exit status. */
  async bySelection(plan: ReadPlan, before: Date, total: number | undefined): Promise<number> {
    const size = Math.max(1, Math.min(PAGE, this.#options.perSecond ?? PAGE));
    const of = total === undefined ? "" : ` of ${Math.min(total, this.#options.limit ?? total)}`;
    try {
      for await (const page of this.#documents.pages(plan, size)) {
        await this.#write(page, before, of);
        if (this.#isOver) break;
      }
    } catch (error) {
      this.#report(of, " before it failed");
      this.#tellNext(before);
      throw error;
    }
    await answers.finish();
    const { signal, status } = this.#interruption ?? {};
    if (signal === undefined) this.#report();
    else {
      this.#report(of, ` before ${signal}`);
      this.#tellNext(before);
    }
    return status || (this.#refused.count > 0 ? 1 : 0);
  }

  get #isOver(): boolean {
    return this.#interruption?.signal !== undefined || this.#count >= (this.#options.limit ?? Infinity);
  }

  async #write(found: readonly Found[], before: Date | undefined, of = ""): Promise<void> {
    const { isDry, limit = Infinity } = this.#options;
    const isNamed = before === undefined;
    // Those that are named are written one by one, so that each can be told about.
    const most = isNamed ? 1 : this.#pace.step;
    let rest = found;
    while (rest.length > 0 && !this.#isOver) {
      const some = rest.slice(0, Math.min(most, limit - this.#count));
      rest = rest.slice(some.length);
      await this.#pace.next(some.length);
      if (this.#isOver) return;
      const free: Found[] = [];
      for (const each of some) {
        const { standing } = each;
        if (standing === "free" || (isNamed && BY_ID_ALONE.includes(standing))) free.push(each);
        else this.#leave(each, standing, isNamed);
      }
      if (isDry) await this.#show(free);
      else await this.#setBack(free, before);
      if (!isDry) this.#progress.update(`${this.#count}${of} requeued so far`);
    }
  }

  async #show(found: readonly Found[]): Promise<void> {
    for (const { id, status } of found) {
      await answers.print(`${formatId(id)}  ${status}`);
      this.#count += 1;
    }
  }

  async #setBack(found: readonly Found[], before: Date | undefined): Promise<void> {
    if (found.length === 0) return;
    const requeued = await this.#documents.requeue(found, before);
    const { changed, count, failure, refused } = requeued;
    this.#count += count;
    for (const [{ id }, why] of refused) this.#refused.add(`${formatId(id)} was refused`, why);
    if (failure) {
      this.#isUnsure = !isForbidden(failure.cause);
      throw failure.cause;
    }
    for (const each of found.slice(0, changed)) this.#leave(each, "changed", before === undefined);
    for (const [{ id }, why] of await this.#documents.removeLetters(requeued)) {
      this.#refused.add(
        `${formatId(id)} is requeued, and its dead letter stays, as its removal was refused`,
        why,
      );
    }
  }

  #leave({ id }: Found, left: Left, isNamed: boolean): void {
    this.#left.set(left, (this.#left.get(left) ?? 0) + 1);
    if (isNamed) remarks.say(`${formatId(id)} is left alone: ${REASONS[left]}`);
  }

  #report(of = "", end = ""): void {
    const done = this.#options.isDry ? "would be requeued" : "requeued";
    const left = [...this.#left].map(([reason, count]) => `${count} ${REASONS[reason]}`);
    const alone = left.length > 0 ? `; left alone: ${left.join(", ")}` : "";
    const least = this.#isUnsure ? "at least " : "";
    remarks.say(`${least}${this.#count}${of} ${done}${end}${this.#refused.text}${alone}`);
  }

  #tellNext(before: Date): void {
    if (this.#options.isDry) return;
    remarks.say(
      `The same command goes on with the rest. With --before ${before.toISOString()} it leaves out what has been ` +
        "processed or canceled, or has failed, again since its start",
    );
  }
}

/** How a {@linkcode RequeueRun} works. */
export interface RequeueOptions {
  /** Documents a second, at most. */
  perSecond: number | undefined;
  /** Documents that are set back, at most. */
  limit: number | undefined;
  /** Print what would be done, and do nothing. */
  isDry: boolean;
}

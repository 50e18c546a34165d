import { formatId } from "../../agent/store/documents/format_id.ts";
import { idKey } from "../../agent/store/documents/id_key.ts";
import type { DocumentsToRequeue, ReadPlan } from "../../agent/store/requeue/documents_to_requeue.ts";
import type { Found } from "../../agent/store/requeue/found.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { Refusals } from "../changes/refusals.ts";
import { type Left, LEFT_TEXTS, RequeueChange } from "../changes/requeue_change.ts";
import { type CommandBrake, commandBrake } from "./command_brake.ts";
import { Progress } from "./command_progress.ts";
import { severalMeant } from "./several_meant.ts";

/** Documents that are read together, and written together. */
const PAGE = 200;

/** What is no failure for a document that is named by its id. */
const NOTHING_TO_DO: readonly Left[] = ["waiting"];

/** One requeue: it writes the documents that it is given, keeps the pace, counts, and reports. */
export class RequeueRun {
  readonly #documents: DocumentsToRequeue;
  readonly #options: RequeueOptions;
  readonly #brake: CommandBrake;
  readonly #change: RequeueChange;
  readonly #progress = new Progress(remarks);
  readonly #refused = new Refusals();
  readonly #left = new Map<Left, number>();
  #shown = 0;

  constructor(documents: DocumentsToRequeue, options: RequeueOptions) {
    this.#documents = documents;
    this.#options = options;
    this.#brake = commandBrake(options, PAGE);
    this.#change = new RequeueChange(documents, {
      onLeft: (document, left, isNamed) => this.#leave(document, left, isNamed),
      onRefused: (what, why) => this.#refused.add(what, why),
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
    return this.#brake.interruption?.status || (isShort || isLeft || this.#refused.count > 0 ? 1 : 0);
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
    const { signal, status } = this.#brake.interruption ?? {};
    if (signal === undefined) this.#report();
    else {
      this.#report(of, ` before ${signal}`);
      this.#tellNext(before);
    }
    return status || (this.#refused.count > 0 ? 1 : 0);
  }

  get #count(): number {
    return this.#change.count + this.#shown;
  }

  get #isOver(): boolean {
    return this.#brake.brake.isStopped || this.#count >= (this.#options.limit ?? Infinity);
  }

  async #write(found: readonly Found[], before: Date | undefined, of = ""): Promise<void> {
    const { isDry, limit = Infinity } = this.#options;
    const isNamed = before === undefined;
    const { brake } = this.#brake;
    // Those that are named are written one by one, so that each can be told about.
    const most = isNamed ? 1 : brake.step;
    let rest = found;
    while (rest.length > 0 && !this.#isOver) {
      const some = rest.slice(0, Math.min(most, limit - this.#count));
      rest = rest.slice(some.length);
      if (!await brake.pass(some.length)) return;
      if (isDry) await this.#show(this.#change.free(some, isNamed));
      else await this.#change.setBack(some, before);
      if (!isDry) this.#progress.update(`${this.#count}${of} requeued so far`);
    }
  }

  async #show(found: readonly Found[]): Promise<void> {
    for (const { id, status } of found) {
      await answers.print(`${formatId(id)}  ${status}`);
      this.#shown += 1;
    }
  }

  #leave({ id }: Found, left: Left, isNamed: boolean): void {
    this.#left.set(left, (this.#left.get(left) ?? 0) + 1);
    if (isNamed) remarks.say(`${formatId(id)} is left alone: ${LEFT_TEXTS[left]}`);
  }

  #report(of = "", end = ""): void {
    const done = this.#options.isDry ? "would be requeued" : "requeued";
    const left = [...this.#left].map(([reason, count]) => `${count} ${LEFT_TEXTS[reason]}`);
    const alone = left.length > 0 ? `; left alone: ${left.join(", ")}` : "";
    const least = this.#change.isUnsure ? "at least " : "";
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

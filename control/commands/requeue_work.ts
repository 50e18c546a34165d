import { UsageError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { duration } from "../../agent/settings/parse.ts";
import type { DocumentsToRequeue } from "../../agent/store/requeue/documents_to_requeue.ts";
import type { Selection } from "../../agent/store/requeue/selection.ts";
import type { Status } from "../../agent/store/requeue/standing.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { checkedSettings } from "./checked_settings.ts";
import { lastingStore } from "./command_store.ts";
import { type RequeueOptions, RequeueRun } from "./requeue_run.ts";
import { storeFailure } from "./store_failure.ts";
import { limitOf } from "./unasked_limit.ts";
import { typedFilter } from "./typed_filter.ts";

/** Which documents to requeue and how, from the command line. */
export interface RequeueTask extends Pick<RequeueOptions, "isDry" | "limit" | "perSecond"> {
  /** As they were typed. */
  ids: readonly string[] | undefined;
  /** Extended JSON. */
  filter: string | undefined;
  isFailed: boolean;
  /** A date, or how long ago. */
  processedSince: string | undefined;
  /** The same. */
  before: string | undefined;
}

/**
 * Sets documents back to pending; returns the exit status.
 *
 * @throws {UsageError} If the settings, the filter or a time cannot be used.
 * @throws {CommandError} If the database refuses, or is out of reach.
 */
export async function requeue(task: RequeueTask, env: Environment): Promise<number> {
  const meantAt = selectionOf(task);
  const { settings, filter } = checkedSettings(env);
  const store = lastingStore(settings, filter);
  try {
    await store.source.look();
    const documents = await store.forCommands.documentsToRequeue();
    return meantAt
      ? await bySelection(task, meantAt(documents.now()), documents)
      : await new RequeueRun(documents, task).byIds(task.ids!);
  } catch (error) {
    throw storeFailure("requeue", error);
  } finally {
    await store.close();
  }
}

/** What is to be read. */
interface Meant {
  selection: Selection;
  /** What was processed, or has failed, at this time or later is left out. */
  before: Date;
}

/** Checks what was typed; undefined if it names documents by their ids. Its times are told once the server has told its own. */
function selectionOf(
  { before, filter, ids, isFailed, processedSince }: RequeueTask,
): ((now: Date) => Meant) | undefined {
  if (ids && before !== undefined) {
    throw new UsageError("--before does nothing with --id, which names its documents: leave it out");
  }
  if (ids) return undefined;
  const typed = before === undefined ? undefined : timeIn("before", before);
  // With a time to come, documents that agents process meanwhile would be set back again and again.
  const end = (now: Date) => {
    const time = typed?.(now) ?? now;
    return time > now ? now : time;
  };
  const meant = (selection: Meant["selection"]) => (now: Date) => ({ selection, before: end(now) });
  if (isFailed) return meant({ by: "failed" });
  if (filter !== undefined) return meant({ by: "filter", filter: typedFilter(filter) });
  const since = timeIn("processed-since", processedSince!);
  return (now) => meant({ by: "processed", since: since(now) })(now);
}

/** With the time zone: a pod seldom has the operator's. */
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/;
const AGO = duration(1, 1000 * 365 * 24 * 3_600_000);

/** A time in an option: a date, or how long ago by the clock of the server. */
function timeIn(option: string, text: string): (now: Date) => Date {
  const date = DATE.test(text) ? new Date(text) : undefined;
  if (date && !Number.isNaN(date.getTime())) return () => date;
  try {
    const agoMs = AGO(/\d$/.test(text) ? "" : text);
    return (now) => new Date(now.getTime() - agoMs);
  } catch (error) {
    throw new UsageError(
      `--${option} is ${printable(JSON.stringify(text))}: must be a date with its time zone, such as ` +
        "2026-03-04T05:06:07Z, or how long ago, such as 2h",
      { cause: error },
    );
  }
}

async function bySelection(
  task: RequeueTask,
  { before, selection }: Meant,
  documents: DocumentsToRequeue,
): Promise<number> {
  const plan = await documents.plan(selection, before);
  if (plan.readsAll !== undefined) {
    remarks.say(`No index serves this: all ${plan.readsAll} documents of the collection are read`);
  }
  const counts = await documents.count(plan);
  const total = counts?.values().reduce((sum, count) => sum + count, 0);
  remarks.say(`${countText(counts, total)}, with --before ${before.toISOString()}`);
  const read = counts === undefined ? documents.inSlices(plan) : plan;
  if (task.isDry) return await new RequeueRun(documents, task).bySelection(read, before, total);
  const limit = limitOf(task.limit, { total, what: "documents", act: "requeue them" });
  if (task.isFailed) await removeStale(documents);
  return await new RequeueRun(documents, { ...task, limit }).bySelection(read, before, total);
}

/** What a requeue that was killed has left. */
async function removeStale(documents: DocumentsToRequeue): Promise<void> {
  const stale = await documents.removeStaleLetters();
  if (stale > 0) remarks.say(`${stale} dead letters were stale, and are removed`);
}

function countText(counts: ReadonlyMap<Status, number> | undefined, total: number | undefined): string {
  if (counts === undefined) {
    return "The documents that are selected cannot be counted in 5 s: all are read, and those that no agent has touched are left alone";
  }
  if (total === 0) return "0 documents are selected";
  const each = [...counts].map(([status, count]) =>
    `${count} ${status === "other" ? "of another status" : status}`
  );
  return `${total === 1 ? "1 document is" : `${total} documents are`} selected (${each.join(", ")})`;
}

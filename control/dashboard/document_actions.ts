import { errorText } from "../../agent/errors.ts";
import type { Cancellation } from "../../agent/store/cancellation.ts";
import { documentKey } from "../../agent/store/documents/document_key.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import type { DocumentsToRequeue } from "../../agent/store/requeue/documents_to_requeue.ts";
import type { Found } from "../../agent/store/requeue/found.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import { cancelOne } from "../changes/cancel_one.ts";
import { LEFT_TEXTS, RequeueChange } from "../changes/requeue_change.ts";
import type { DoneAnswer } from "./api.ts";
import type { Asked } from "./asked.ts";
import type { Kept } from "./kept.ts";
import type { Logbook } from "./logbook.ts";
import { conflict, Refusal } from "./refusal.ts";

/** What viewers do to one document. Its methods throw what the driver throws, or a {@linkcode Refusal}. */
export class DocumentActions {
  readonly #options: DocumentActionsOptions;

  constructor(options: DocumentActionsOptions) {
    this.#options = options;
  }

  /** Sets it back to pending. */
  async requeue(asked: Asked): Promise<DoneAnswer> {
    const [key, actor] = [asked.key(), asked.actor()];
    const documents = await this.#options.documents.get();
    const pages = await Array.fromAsync(documents.pages(documents.planById(key), 10));
    const found = only(pages.flat(), key);
    const told: string[] = [];
    const change = new RequeueChange(documents, {
      onLeft: (_, left) => told.push(`is left alone: ${LEFT_TEXTS[left]}`),
      onRefused: (what, why) => told.push(`${what}: ${inOneLine(errorText(why))}`),
    });
    await change.setBack([found], undefined);
    if (change.count === 0) throw conflict(told.map((text) => textOf(found, text)).join("; "));
    await this.#options.logbook.note({ action: "requeue", actor, what: formatId(found.id), count: 1 });
    return { text: [textOf(found, "is requeued"), ...told].join("; ") };
  }

  /** Cancels it. */
  async cancel(asked: Asked): Promise<DoneAnswer> {
    const [key, actor] = [asked.key(), asked.actor()];
    const cancellation = await this.#options.cancellation.get();
    let what = key;
    const canceled = await cancelOne(cancellation, async () => {
      const found = only(await cancellation.find(key), key);
      what = formatId(found.id);
      return found;
    }, actor.reason);
    if (canceled === "missing") throw missing();
    if (canceled === "changing") throw conflict("The document changes all the time: retry");
    if (!canceled.isCanceled) throw conflict(canceled.text);
    await this.#options.logbook.note({ action: "cancel", actor, what, count: 1 });
    return { text: canceled.text };
  }
}

/** The one document that a key means: a text may be an `_id` as well. */
function only<T extends { readonly id: unknown }>(found: readonly T[], key: string): T {
  const meant = found.find(({ id }) => documentKey(id) === key);
  if (meant === undefined) throw missing();
  return meant;
}

function missing(): Refusal {
  return new Refusal(404, "request", "There is no such document: look again");
}

function textOf({ id }: Found, text: string): string {
  const shown = formatId(id);
  return text.startsWith(shown) ? text : `${shown} ${text}`;
}

/** What {@linkcode DocumentActions} need. */
export interface DocumentActionsOptions {
  readonly cancellation: Kept<Cancellation>;
  readonly documents: Kept<DocumentsToRequeue>;
  readonly logbook: Logbook;
}

import type { Cancellation, ToCancel } from "../../agent/store/cancellation.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";

/** What came of a cancel. */
export interface Canceled {
  /** It is canceled, now or since before. */
  readonly isCanceled: boolean;
  /** The same for people. */
  readonly text: string;
}

/** A document that changes each time that it is written is tried so often. */
const TRIES = 3;

/**
 * Cancels a document, unless there is none, or it has changed each time that it was to be written. Throws what the driver
 * throws.
 *
 * @param find finds it as it is now; it may throw if it is not one document alone
 */
export async function cancelOne(
  cancellation: Cancellation,
  find: () => Promise<ToCancel | undefined>,
  reason: string | undefined,
): Promise<Canceled | "missing" | "changing"> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await find();
    if (found === undefined) return "missing";
    const id = formatId(found.id);
    if (found.status === "canceled") {
      return { isCanceled: true, text: `${id} is canceled already${since(found)}` };
    }
    const refusal = refusalOf(found);
    if (refusal !== undefined) return { isCanceled: false, text: `${id} is not canceled: ${refusal}` };
    if (!await cancellation.cancel(found.id, reason)) continue;
    return { isCanceled: true, text: `${id} is canceled${holderText(found)}` };
  }
  return "changing";
}

/** Why it cannot be canceled; undefined if it can. */
function refusalOf({ standing, status, stored }: ToCancel): string | undefined {
  if (standing === "unnameable") {
    return "JavaScript cannot hold its _id unchanged, so that no write can name it";
  }
  if (standing === "foreign_pull") return "its field _pull is not the agent's: rename that field first";
  if (status === "processed") return "it is processed already";
  if (status === "failed") return "it has failed for good, and no agent takes it again";
  if (standing === "judged") return "it is about to become a dead letter, and no handler runs on it again";
  if (status === "other") {
    return `its status is ${
      inOneLine(formatId(stored))
    }, and only what is pending or in processing can be canceled`;
  }
  return undefined;
}

function since({ canceledAt }: ToCancel): string {
  return canceledAt === undefined ? "" : `, since ${canceledAt.toISOString()}`;
}

function holderText({ owner, standing }: ToCancel): string {
  switch (standing) {
    case "leased":
      return `: the agent ${inOneLine(formatId(owner))} aborts its handler within a second`;
    case "foreign_lease":
      return ": the program that works on it, which is no agent, is not told";
    default:
      return "";
  }
}

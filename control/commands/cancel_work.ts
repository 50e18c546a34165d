import { CommandError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import type { Cancellation, ToCancel } from "../../agent/store/cancellation.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { isValidationFailure } from "../../agent/store/mongo_errors.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { checkedSettings } from "./checked_settings.ts";
import { severalMeant } from "./several_meant.ts";
import { storeFailure } from "./store_failure.ts";

/** Which document to cancel, from the command line. */
export interface CancelTask {
  /** As it was typed. */
  id: string;
  reason: string | undefined;
}

/** A document that changes each time that it is written is tried so often. */
const TRIES = 3;

/**
 * Cancels a document; returns the exit status: 1 if there is no such document, or if it cannot be canceled.
 *
 * @throws {UsageError} If the settings cannot be used.
 * @throws {CommandError} If the database refuses, or is out of reach, or if the id may mean several documents.
 */
export async function cancel({ id, reason }: CancelTask, env: Environment): Promise<number> {
  const { settings, filter } = checkedSettings(env);
  const store = new MongoStore(settings, filter);
  try {
    await store.source.look();
    return await cancelOne(await store.forCommands.cancellation(), id, reason);
  } catch (error) {
    if (isValidationFailure(error)) {
      throw new CommandError(
        'cancel failed, because a validator of the collection refuses the document: admit the status "canceled" and the ' +
          "field _pull.canceled",
        { cause: error },
      );
    }
    throw storeFailure("cancel", error);
  } finally {
    await store.close();
  }
}

async function cancelOne(
  cancellation: Cancellation,
  typed: string,
  reason: string | undefined,
): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const [found, ...others] = await cancellation.find(typed);
    if (found === undefined) {
      remarks.say(`There is no document with the id ${printable(JSON.stringify(typed))}`);
      return 1;
    }
    if (others.length > 0) {
      throw severalMeant(others.length + 1, typed);
    }
    if (found.status === "canceled") {
      remarks.say(`${formatId(found.id)} is canceled already${since(found)}`);
      return 0;
    }
    const refusal = refusalOf(found);
    if (refusal !== undefined) {
      remarks.say(`${formatId(found.id)} is not canceled: ${refusal}`);
      return 1;
    }
    if (!await cancellation.cancel(found.id, reason)) continue;
    remarks.say(`${formatId(found.id)} is canceled${holderText(found)}`);
    return 0;
  }
  throw new CommandError(
    `cancel failed: ${
      printable(JSON.stringify(typed))
    } has changed each time that it was to be written: run it again`,
  );
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

import { CommandError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import type { Cancellation } from "../../agent/store/cancellation.ts";
import { isValidationFailure } from "../../agent/store/mongo_errors.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { cancelOne } from "../changes/cancel_one.ts";
import { checkedSettings } from "./checked_settings.ts";
import { commandStore } from "./command_store.ts";
import { severalMeant } from "./several_meant.ts";
import { storeFailure } from "./store_failure.ts";

/** Which document to cancel, from the command line. */
export interface CancelTask {
  /** As it was typed. */
  id: string;
  reason: string | undefined;
}

/**
 * Cancels a document; returns the exit status: 1 if there is no such document, or if it cannot be canceled.
 *
 * @throws {UsageError} If the settings cannot be used.
 * @throws {CommandError} If the database refuses, or is out of reach, or if the id may mean several documents.
 */
export async function cancel({ id, reason }: CancelTask, env: Environment): Promise<number> {
  const { settings, filter } = checkedSettings(env);
  const store = commandStore(settings, filter);
  try {
    await store.source.look();
    return await cancelTyped(await store.forCommands.cancellation(), id, reason);
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

async function cancelTyped(
  cancellation: Cancellation,
  typed: string,
  reason: string | undefined,
): Promise<number> {
  const canceled = await cancelOne(cancellation, async () => {
    const [found, ...others] = await cancellation.find(typed);
    if (others.length > 0) throw severalMeant(others.length + 1, typed);
    return found;
  }, reason);
  const shown = printable(JSON.stringify(typed));
  if (canceled === "changing") {
    throw new CommandError(
      `cancel failed: ${shown} has changed each time that it was to be written: run it again`,
    );
  }
  if (canceled === "missing") {
    remarks.say(`There is no document with the id ${shown}`);
    return 1;
  }
  remarks.say(canceled.text);
  return canceled.isCanceled ? 0 : 1;
}

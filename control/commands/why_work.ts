import type { Environment } from "../../agent/settings/environment.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { agentHere } from "../why/agent_here.ts";
import { missingJson, storyJson } from "../why/story_json.ts";
import { missingText, storyText } from "../why/story_text.ts";
import { checkedSettings } from "./checked_settings.ts";
import { commandStore } from "./command_store.ts";
import { storeFailure } from "./store_failure.ts";

/** Which document, from the command line. */
export interface WhyTask {
  /** As it was typed. */
  id: string;
  asJson: boolean;
}

/**
 * Prints the story of a document; returns the exit status: 1 if there is no such document. It writes nothing.
 *
 * @throws {UsageError} If the settings cannot be used.
 * @throws {CommandError} If the database refuses, or is out of reach.
 */
export async function tellWhy({ id, asJson }: WhyTask, env: Environment): Promise<number> {
  const { settings, filter } = checkedSettings(env);
  const store = commandStore(settings, filter);
  try {
    await store.source.look();
    const here = await agentHere(settings.healthDir);
    const stories = await (await store.forCommands.documentStories()).of(id);
    if (!Array.isArray(stories)) {
      await answers.print(asJson ? missingJson(stories) : missingText(stories));
      await answers.finish();
      return 1;
    }
    for (const [at, story] of stories.entries()) {
      if (asJson) await answers.print(storyJson(story, settings, here));
      else await answers.print((at > 0 ? "\n" : "") + storyText(story, settings, here));
    }
    await answers.finish();
    return 0;
  } catch (error) {
    throw storeFailure("why", error);
  } finally {
    await store.close();
  }
}

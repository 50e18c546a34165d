/** Asks for the stories of documents in the process of the test, and does what they advise. */

import { assertEquals } from "@std/assert";
import { parseCommandLine } from "../../control/commands/command_line.ts";
import type { Story } from "../../agent/store/why/story.ts";
import { mendOf } from "../../control/why/mends.ts";
import { obstacleText } from "../../control/why/obstacle_text.ts";
import { mongosh } from "./mongosh.ts";
import type { TestDatabase } from "./mongod.ts";
import { openStore, type TestStore } from "./store.ts";

/** The story of the document with an id. @throws {Error} if there is none */
export async function storyOf(store: TestStore, id: unknown): Promise<Story> {
  const stories = await (await store.forCommands.documentStories()).of(String(id));
  if (!Array.isArray(stories)) throw new Error(`There is no document ${id}`);
  return stories[0]!;
}

/** What keeps a document, in sentences. */
export function obstaclesOf(story: Story): string[] {
  return story.obstacles.map((obstacle) => obstacleText(obstacle, story));
}

/** Runs the commands that take the obstacles away; returns how many there were. */
export async function mendAll(database: TestDatabase, story: Story): Promise<number> {
  const mends = story.obstacles.flatMap((obstacle) => mendOf(obstacle, story) ?? []);
  for (const { command, tool } of mends) {
    if (tool === "mongosh") await mongosh(database.client, command);
    else await requeueHere(command, database, story);
  }
  return mends.length;
}

/** Does what a `requeue` of one document does: the command itself would listen to signals in the test's process. */
async function requeueHere(text: string, database: TestDatabase, { collection, lettersCollection }: Story) {
  const { command, line } = parseCommandLine(text.split(" ").slice(1));
  assertEquals(command.name, "requeue");
  const [id] = (line.options as Record<string, string[]>).id!;
  await using store = openStore(database, {
    mongodbCollection: collection,
    deadLetterCollection: lettersCollection,
  });
  const documents = await store.forCommands.documentsToRequeue();
  for await (const page of documents.pages(documents.planById(id!), 1)) {
    const requeued = await documents.requeue(page);
    assertEquals(requeued.count, 1, text);
    await documents.removeLetters(requeued);
  }
}

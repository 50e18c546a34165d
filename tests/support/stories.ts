/** Asks for the stories of documents in the process of the test, and does what they advise. */

import type { Story } from "../../agent/store/why/story.ts";
import { mendOf } from "../../control/why/mends.ts";
import { obstacleText } from "../../control/why/obstacle_text.ts";
import { mongosh } from "./mongosh.ts";
import type { TestDatabase } from "./mongod.ts";
import type { TestStore } from "./store.ts";

/** The story of the document with an id. @throws {Error} if there is none */
export async function storyOf(store: TestStore, id: unknown): Promise<Story> {
  const stories = await (await store.documentStories()).of(String(id));
  if (!Array.isArray(stories)) throw new Error(`There is no document ${id}`);
  return stories[0]!;
}

/** What keeps a document, in sentences. */
export function obstaclesOf(story: Story): string[] {
  return story.obstacles.map((obstacle) => obstacleText(obstacle, story));
}

/** Runs the commands that take the obstacles away; returns how many there were. */
export async function mendAll({ client }: TestDatabase, story: Story): Promise<number> {
  const mends = story.obstacles.flatMap((obstacle) => mendOf(obstacle, story) ?? []);
  for (const { command } of mends) await mongosh(client, command);
  return mends.length;
}

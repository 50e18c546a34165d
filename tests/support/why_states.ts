/**
 * Documents in the states of `why_cases.ts`, and whether `why` helps with them.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Story } from "../../agent/store/why/story.ts";
import { storyText } from "../../control/why/story_text.ts";
import { agentHome } from "./agent_home.ts";
import { testDatabase } from "./mongod.ts";
import { openStore } from "./store.ts";
import { mend, why } from "./why.ts";
import { CASES, documents } from "./why_cases.ts";

const CLAIMED = /^It will be claimed: nothing keeps an agent from taking it\.$/m;

/** The states, by what a document of each is or has. */
export const STATES: readonly string[] = Object.keys(CASES);

/**
 * Checks that `why` tells of documents in these states what keeps them, and that the commands that it prints mend them, so
 * that a real agent takes them.
 */
export async function assertToldAndMended(states: readonly string[]): Promise<void> {
  await using db = await testDatabase("why states");
  await using home = await agentHome({ db, module: "export default () => {};" });
  await using store = openStore(db, {
    mongodbCollection: "documents",
    deadLetterCollection: "documents_dead_letters",
  });
  const stories = await store.forCommands.documentStories();
  const problems: string[] = [];
  const cases = Object.entries(CASES).filter(([what]) => states.includes(what));
  assertEquals(cases.length, states.length);
  for (const [what, { document, insert, typed, says, mends = 1 }] of cases) {
    if (document) await documents(db).insertOne(document);
    await insert?.(db);
    const id = typed ?? String(document._id);
    const told = await why(home, id);
    assertEquals([told.code, told.stderr], [0, ""], `a document that ${what}`);
    assertMatch(told.stdout, says, `a document that ${what}:\n${told.stdout}`);
    assertEquals(told.mends.length, mends, `a document that ${what}:\n${told.stdout}`);
    assertEquals(CLAIMED.test(told.stdout), mends === 0, `a document that ${what}:\n${told.stdout}`);
    if (mends === 0) continue;
    await mend(home, db, told);
    // One with an _id that no write can name gets another.
    const isNameable = !/cannot hold its _id/.test(told.stdout);
    if (!isNameable) continue;
    const [story] = await stories.of(id) as Story[];
    const after = story && storyText(story, { maxAttempts: 5 }, undefined);
    if (!after || !CLAIMED.test(after)) problems.push(`a document that ${what}:\n${told.stdout}\n${after}`);
  }
  assertEquals(problems, []);
  const expectedProcessed = cases.filter(([, { ends = "processed" }]) => ends === "processed").length;
  const agent = await home.run("run", "--until-empty");
  const left = await documents(db).find({ status: { $ne: "processed" } }).toArray();
  assertEquals(
    await documents(db).countDocuments({ status: "processed" }),
    expectedProcessed,
    Deno.inspect(left),
  );
  assertEquals(agent.code, 0, agent.stdout);
  assert(left.every(({ status }) => status === "failed"));
}

/**
 * Passwords that look like parts of a log, in the errors of a processor.
 *
 * @module
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import type { Document } from "mongodb";
import { agentHome } from "./agent_home.ts";
import { documentsOf, insertPending } from "./documents.ts";
import { type TestDatabase, testDatabase, testUri } from "./mongod.ts";
import { waitFor } from "./wait.ts";

/** A handler that says all it can of the connection string, in its log, on the console, and in its error. */
const LEAKY = `
  const uri = Deno.env.get("MONGODB_URI");
  const password = decodeURIComponent(/:\\/\\/[^:]*:([^@]*)@/.exec(uri)[1]);
  const said = "login with <" + password + "> at " + uri;
  const basic = btoa(unescape(encodeURIComponent("someone:" + password)));
  export default ({ _id }, { log }) => {
    console.log(said, { uri });
    log.info(said, { password: { uri, said }, level: 1000, basic });
    log.error("with an error", new Error(said));
    Promise.reject(new Error(said));
    throw new Error(said, { cause: new AggregateError([new Error(said + "!")], "none") });
  };`;

/** Makes a user with this password; returns its connection string. */
export async function makeUser(db: TestDatabase, pwd: string): Promise<string> {
  const roles = [{ role: "readWrite", db: db.name }];
  // The older mechanism takes every password as it is.
  await db.db.command({ createUser: "someone", pwd, roles, mechanisms: ["SCRAM-SHA-1"] });
  const uri = testUri();
  const [, scheme, rest] = /^([a-z]+:\/\/)(.*)$/.exec(uri)!;
  const source = `authSource=${db.name}&authMechanism=SCRAM-SHA-1`;
  return `${scheme}someone:${encodeURIComponent(pwd)}@${rest}${rest!.includes("?") ? "&" : "/?"}${source}`;
}

/** Checks that a password that the processor tells by all means stands in no document, letter, line or output. */
export async function assertHidden(password: string): Promise<void> {
  await using db = await testDatabase("odd password");
  const uri = await makeUser(db, password);
  try {
    await insertPending(db, [1]);
    const env = { LOG_LEVEL: "DEBUG", MAX_ATTEMPTS: "2" };
    await using home = await agentHome({ db: { uri, name: db.name }, module: LEAKY, env });
    const agent = await home.startReady();
    const letters = db.db.collection("documents_dead_letters");
    const letter = await waitFor("the letter", () => letters.findOne());
    const document = await waitFor(
      "the mark",
      () => documentsOf(db).findOne({ status: "failed" } as Document),
    );
    await agent.log("Document is a dead letter");
    const status = await agent.untilStatus("the error", ({ last_error: error }) => error !== undefined);
    const [list, show] = [
      await home.run("dead-letters", "list"),
      await home.run("dead-letters", "show", "1"),
    ];
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);

    const hidden = password.length < 4 ? password : "***";
    const clean = `login with <${hidden}> at mongodb://***@`;
    const { error, _pull: { errors } } = document as Document;
    const stored = [error, ...errors.map(({ message }: Document) => message), letter.error];
    stored.push(...letter.errors.map(({ message }: Document) => message));
    stored.push(status.last_error!.message, JSON.parse(show.stdout).error);
    assertEquals(stored.length, 8);
    for (const text of stored) assertStringIncludes(text, clean);
    assertStringIncludes(list.stdout, clean.replace(/\s+/g, " ").slice(0, 30));

    for (const { level, message } of agent.entries) assert(level !== "", message);
    const line = agent.entries.find(({ basic }) => basic !== undefined)!;
    assertStringIncludes(line.message, clean);
    assertStringIncludes((line.password as { said: string }).said, clean);
    assertFalse(String(line.basic).includes(btoa(`someone:${"x"}`).slice(0, 8)));
    assertStringIncludes(String(agent.entries.find(({ source }) => source === "console")!.message), clean);
    assertStringIncludes(String((await agent.log("promise that was not awaited has failed")).error), clean);
    assertFalse(agent.output.includes(`:${encodeURIComponent(password)}@`), agent.output);
  } finally {
    await db.db.command({ dropUser: "someone" });
  }
}

/**
 * Tries on a server of yours what an agent does: `COMPAT_URI=mongodb://... deno task test:compat`.
 *
 * It works in a database of its own, which it drops at the end, also if it is interrupted. With COMPAT_DATABASE it works in
 * that one, which has to be empty, and drops the collections that it has made. It prints a table of what works, and what to
 * paste into a report. Nothing that it prints holds the connection string.
 *
 * @module
 */

import { type Db, MongoClient } from "mongodb";
import { redactUri } from "../agent/text/redact.ts";
import { type CheckResult, resultsOf } from "../tests/support/compat/results.ts";
import { answersTo, QUESTIONS } from "../tests/support/profiles/questions.ts";

/** The database to work in. @throws {Error} if it holds anything */
async function emptyDatabase(client: MongoClient, name: string): Promise<Db> {
  const db = client.db(name);
  const found = await db.listCollections({}, { nameOnly: true }).toArray();
  if (found.length === 0) return db;
  throw new Error(`The database ${name} holds collections: give the name of an empty one in COMPAT_DATABASE`);
}

/** Facts of the server that tell nothing of where it is. */
async function facts(db: Db): Promise<string[]> {
  const { maxWireVersion, msg, setName, localTime } = await db.command({ hello: 1 });
  const { version, ...build } = await db.command({ buildInfo: 1 });
  const kind = msg === "isdbgrid" ? "a cluster (isdbgrid)" : setName ? "a replica set" : "one server";
  const more = Object.keys(build).filter((field) => /ferret|documentdb|psmdb/i.test(field));
  return [
    `version ${version}, wire version ${maxWireVersion}, ${kind}`,
    `hello.localTime is ${localTime instanceof Date ? "a date" : typeof localTime}`,
    ...more.map((field) => `buildInfo has ${field}`),
  ];
}

function tableOf(results: readonly CheckResult[]): string[] {
  const width = Math.max(...results.map(({ name }) => name.length));
  return results.map(({ name, result, doc }) => {
    const isGood = !result.startsWith("FAILS");
    return `${isGood ? "ok  " : "FAIL"}  ${name.padEnd(width)}  ${result === "yes" ? doc : result}`;
  });
}

async function dropAll(db: Db, isOwn: boolean): Promise<void> {
  if (isOwn) await db.dropDatabase().catch(() => {});
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    await db.collection(name).drop().catch(() => {});
  }
}

async function main(): Promise<number> {
  const uri = Deno.env.get("COMPAT_URI");
  if (!uri) {
    console.log("COMPAT_URI is not set: give the connection string of the server, as the agent would get it");
    return 2;
  }
  const given = Deno.env.get("COMPAT_DATABASE");
  const name = given || `pulling_agent_compat_${crypto.randomUUID().slice(0, 8)}`;
  // The agent finds out for itself whether writes can be retried; this client makes none that need it.
  const limit = /serverSelectionTimeoutMS=/i.test(uri) ? {} : { serverSelectionTimeoutMS: 15_000 };
  const client = new MongoClient(uri, { retryWrites: false, ...limit });
  let db: Db | undefined;
  const { hosts } = client.options;
  const print = (lines: readonly string[]) => {
    const text = hosts.reduce((rest, host) => rest.replaceAll(String(host), "HOST"), lines.join("\n"));
    console.log(redactUri(text));
  };
  const cleanUp = async () => {
    if (db) await dropAll(db, !given);
    await client.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => cleanUp().finally(() => Deno.exit(130)));
  }
  try {
    const empty = await emptyDatabase(client, name);
    db = empty;
    console.log(`Working in the database ${name}, which takes a minute`);
    const lines = await facts(db);
    const answers = await answersTo(QUESTIONS, db);
    const results = await resultsOf({ uri, db }, 2);
    const refused = Object.entries(answers).filter(([, answer]) => answer !== "ok");
    print(["", ...lines, "", ...tableOf(results)]);
    print([
      "",
      "What the server refuses, in its words:",
      ...refused.map((each) => each.join(": ").replaceAll(/\s+/g, " ")),
    ]);
    const failed = results.filter(({ result }) => result.startsWith("FAILS")).length;
    print(["", "Please paste all of this into an issue, with the name of the service and its version"]);
    console.log(`${results.length - failed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    print([error instanceof Error ? error.message : String(error)]);
    return 1;
  } finally {
    await cleanUp();
  }
}

Deno.exit(await main());

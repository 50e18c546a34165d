import { assertEquals } from "@std/assert";
import { collectionName, databaseName } from "../../agent/settings/parse.ts";
import { testDatabase } from "../support/mongod.ts";

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

function accepts(parse: (text: string) => string, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

async function succeeds(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}

Deno.test("databaseName() accepts exactly what a server on Linux and its driver do, letter by letter", async () => {
  await using database = await testDatabase("names");
  const names = [
    ...ASCII.map((letter) => `n${letter}${crypto.randomUUID().slice(0, 8)}`),
    "ä",
    "a".repeat(64),
  ];
  // Together: a database that is made or dropped waits for the disk.
  await Promise.all(names.map(async (name) => {
    const taken = await succeeds(async () => {
      const db = database.client.db(name);
      await db.collection("c").insertOne({});
      await db.dropDatabase();
    });
    assertEquals(accepts(databaseName, name), taken, JSON.stringify(name));
  }));
});

Deno.test("collectionName() accepts exactly what a server and its driver do, letter by letter", async () => {
  await using database = await testDatabase("names");
  const names = [
    ...ASCII.map((letter) => `n${letter}n`),
    ...["a..b", ".a", "a.", "system.jobs", "systems.jobs", "my.system.jobs", " ", "ä"],
  ];
  for (const name of names) {
    const taken = await succeeds(() => database.db.collection(name).insertOne({}));
    assertEquals(accepts(collectionName, name), taken, JSON.stringify(name));
  }
});

import { assertEquals } from "@std/assert";
import { MongoClient } from "mongodb";
import { SERVER_LINES } from "../../scripts/servers/server_lines.ts";
import type { CheckPlace } from "../support/compat/check_world.ts";
import { resultsOf } from "../support/compat/results.ts";
import { testDatabase } from "../support/mongod.ts";
import { SUPPORTED } from "../support/profiles/profiles.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";

/** What the table of servers says; and, by itself, how documents are picked up on a server with change streams. */
function told(profile: string): Record<string, string> {
  return SERVER_LINES.find((line) => line.profile === profile)?.differs ?? {};
}

/** What differs from "yes". */
async function differences(place: CheckPlace): Promise<Record<string, string>> {
  const results = await resultsOf(place);
  return Object.fromEntries(
    results.filter(({ result }) => result !== "yes").map(({ name, result }) => [name, result]),
  );
}

for (const profile of SUPPORTED) {
  Deno.test(`Compatible servers: on ${profile.title}, by its profile, an agent does what the table of servers says`, async () => {
    await using server = new ProfileServer(profile);
    await using database = server.database();
    const found = await differences({ uri: server.uri, db: database.db });
    assertEquals(found, { "pick-up": "stream", ...told(profile.name) }, Deno.inspect([...server.refusals]));
  });
}

for (const standalone of [false, true]) {
  Deno.test(`Compatible servers: on MongoDB itself, ${standalone ? "one server alone" : "a replica set"}, an agent does all that is checked`, async () => {
    await using database = await testDatabase("compat", { standalone });
    await using client = new MongoClient(database.uri, { retryWrites: false });
    const found = await differences({ uri: database.uri, db: client.db(database.name) });
    assertEquals(
      found,
      standalone ? { "pick-up": "polling", "effect writes": "no" } : { "pick-up": "stream" },
    );
  });
}

import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import { MongoClient } from "mongodb";
import { Patient } from "../support/doctor.ts";
import { AMAZON_5 } from "../support/profiles/amazon.ts";
import type { Profile } from "../support/profiles/profile.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { UNSUPPORTED } from "../support/profiles/profiles.ts";
import { COLLECTION } from "../support/store.ts";

/** Asks the doctor on a server that answers as a compatible one would. */
async function patientOn(profile: Profile, stack: AsyncDisposableStack) {
  const server = stack.use(new ProfileServer(profile));
  const database = stack.use(server.database());
  await database.db.createCollection(COLLECTION);
  const patient = stack.use(await Patient.of({ uri: server.uri, name: database.name }));
  const client = new MongoClient(server.uri, { retryWrites: false });
  stack.defer(() => client.close());
  return { client, patient };
}

Deno.test("doctor on Amazon DocumentDB 5.0 finds streams that are off and a connection string that asks for retryable writes, and mends both", async () => {
  await using stack = new AsyncDisposableStack();
  const { client, patient } = await patientOn(AMAZON_5, stack);
  const off = await patient.finding("streams_off");
  await patient.mend(off, client);
  await patient.mend(await patient.finding("retryable_writes"));
  assertMatch(patient.env.MONGODB_URI!, /\?replicaSet=rs0&retryWrites=false$/);
  const { canWork, findings, patient: who } = await patient.diagnose();
  assertEquals(canWork, true);
  assertFalse(findings.some(({ is }) => is === "streams_off" || is === "retryable_writes"));
  const lacks = findings.find(({ is }) => is === "server_lacks");
  assertMatch(lacks!.says, /^Amazon DocumentDB 5\.0\.0 lacks \$\$NOW in queries, .*\$bsonSize, collations: /);
  assertMatch(who, /Amazon DocumentDB 5\.0\.0/);
});

for (const profile of UNSUPPORTED) {
  Deno.test(`doctor on ${profile.title}: the agent cannot work there, and it says what works`, async () => {
    await using stack = new AsyncDisposableStack();
    const { patient } = await patientOn(profile, stack);
    const { canWork } = await patient.diagnose();
    assertEquals(canWork, false);
    const unusable = await patient.finding("unusable_server");
    assertMatch(unusable.says, /has no \$expr/);
    assertMatch(unusable.steps[0]!.text, /replica set of MongoDB/);
  });
}

import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import { shellWord } from "../../control/shell_word.ts";
import { Patient } from "../support/doctor.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { Guarded } from "../support/guarded.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { COLLECTION } from "../support/store.ts";

const OF_FLEET = /^(fleet_|registry_)/;
const ROOT = new URL("../..", import.meta.url).pathname;

/** A patient whose shell has the program, as an operator's has. */
async function patientOf(database: TestDatabase): Promise<Patient> {
  await database.db.createCollection(COLLECTION);
  const patient = await Patient.of(database);
  // The runtime finds its packages by variables of the test.
  const given = Object.entries(Deno.env.toObject()).filter(([name]) => !(name in patient.env));
  const variables = given.map(([name, value]) => `export ${name}=${shellWord(value)}`);
  await patient.install(
    "pulling-agent",
    [
      ...variables,
      `cd ${shellWord(ROOT)}`,
      `exec ${shellWord(Deno.execPath())} run -A main.ts "$@" >/dev/null`,
    ].join(
      "\n",
    ),
  );
  return patient;
}

Deno.test("doctor finds that the whole fleet is paused, or that what operators wrote controls nothing, and how to mend it", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  const fleet = new FleetDatabase(database, COLLECTION);
  assertFalse((await patient.found()).some((is) => OF_FLEET.test(is)));
  for (
    const [state, is, says] of [
      [
        "paused",
        "fleet_paused",
        /^The whole fleet is paused, by alice since 2\S+Z: why\. An agent that starts claims nothing$/,
      ],
      [
        "PAUSED",
        "fleet_control",
        /^The document control in \S+_agents controls nothing: its state is "PAUSED", and must be/,
      ],
    ] as const
  ) {
    await fleet.ask({ state: state as "paused", reason: "why" });
    const finding = await patient.finding(is);
    assertMatch(finding.says, says);
    assertEquals(finding.level, "hurts");
    patient.env.FLEET = "off";
    assertFalse((await patient.found()).some((each) => OF_FLEET.test(each)));
    delete patient.env.FLEET;
    await patient.mend(finding);
    assertFalse((await patient.found()).some((each) => OF_FLEET.test(each)));
  }
});

Deno.test("doctor finds that the agents of the collection claim in another mode, and how to join them", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  const { collection } = new FleetDatabase(database, COLLECTION);
  const mode = { registry: "pulling-agent", mode: "range", mode_until: new Date(Date.now() + 3_600_000) };
  await collection.insertOne({ _id: "ranges", ...mode } as never);
  const finding = await patient.finding("claim_mode");
  assertEquals(
    [finding.level, finding.says],
    ["stops", "CLAIM_MODE is document, and agents with CLAIM_MODE=range work on the collection"],
  );
  assertMatch(finding.steps.at(-1)!.text, /remove the document "ranges" from .* as if the server's clock/);
  await collection.updateOne({ _id: "ranges" as never }, {
    $set: { mode_until: new Date(Date.now() + 110_000) },
  });
  assertFalse(/remove the document/.test((await patient.finding("claim_mode")).steps.at(-1)!.text));
  await patient.mend(finding);
  assertFalse((await patient.found()).includes("claim_mode"));
});

Deno.test("doctor finds that an agent without a fleet would run what agents in range mode hold", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  patient.env.FLEET = "off";
  const { collection } = new FleetDatabase(database, COLLECTION);
  const until = new Date(Date.now() + 3_600_000);
  const made = { registry: "pulling-agent", mode_until: until };
  await collection.insertOne({ _id: "ranges", ...made, mode: "document" } as never);
  assertFalse((await patient.found()).includes("claim_mode"));
  await collection.updateOne({ _id: "ranges" as never }, { $set: { mode: "range" } });
  const finding = await patient.finding("claim_mode");
  assertMatch(finding.says, /^FLEET is off, and agents with CLAIM_MODE=range work on the collection/);
  await patient.mend(finding);
  assertFalse((await patient.found()).includes("claim_mode"));
});

Deno.test("doctor finds that agents in document mode are there that have nothing to claim", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  patient.env.CLAIM_MODE = "range";
  assertFalse((await patient.found()).includes("claim_mode"));
  const { collection } = new FleetDatabase(database, COLLECTION);
  const shown = { registry: "pulling-agent", name: "a", state: "running", mode: "document" };
  await collection.insertOne({ ...shown, seen_at: new Date(), lives_ms: 3_600_000 });
  const finding = await patient.finding("claim_mode");
  assertMatch(finding.says, /^CLAIM_MODE is range, and agents with CLAIM_MODE=document work/);
  await patient.mend(finding);
  assertFalse((await patient.found()).includes("claim_mode"));
});

Deno.test("doctor finds that agents claim by range with another filter", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  patient.env.CLAIM_MODE = "range";
  const { collection } = new FleetDatabase(database, COLLECTION);
  const made = { registry: "pulling-agent", mode: "range", mode_until: new Date(Date.now() + 3_600_000) };
  await collection.insertOne({ _id: "ranges", ...made, filter: '{"kind":"a"}' } as never);
  assertEquals((await patient.finding("claim_filter")).level, "stops");
  patient.env.FILTER = '{"kind": "a"}';
  assertFalse((await patient.found()).includes("claim_filter"));
});

Deno.test("doctor finds that new documents wait because the document of the ranges was removed", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  const { collection } = new FleetDatabase(database, COLLECTION);
  const until = new Date(Date.now() + 3_600_000);
  await collection.insertOne(
    { _id: "ranges", registry: "pulling-agent", mode: null, mode_until: until } as never,
  );
  const { level, says } = await patient.finding("claims_wait");
  assertEquals([level, says.endsWith(`before ${until.toISOString()}`)], ["hurts", true]);
  assertFalse((await patient.found()).includes("claim_mode"));
  await collection.deleteOne({ _id: "ranges" as never });
  assertFalse((await patient.found()).includes("claims_wait"));
});

Deno.test("doctor finds documents that no agent has written in the collection of the agents", async () => {
  await using database = await testDatabase("doctor fleet");
  await using patient = await patientOf(database);
  const { collection } = new FleetDatabase(database, COLLECTION);
  await collection.insertOne({ name: "an insurance agent" });
  const finding = await patient.finding("registry_of_others");
  assertEquals(
    [finding.level, finding.says],
    [
      "hurts",
      `${collection.namespace} holds documents that no agent has written, so that agents write nothing into it`,
    ],
  );
  await patient.mend(finding);
  assertEquals(patient.env.FLEET, "off");
  assertFalse((await patient.found()).includes("registry_of_others"));
});

Deno.test("doctor without the right to the collection of the agents names the right, and that it could not look there", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  await using patient = await Patient.of({ uri: guarded.uri("secret"), name: "shop" }, {
    MONGODB_COLLECTION: "documents",
  });
  const { findings, unseen } = await patient.diagnose();
  assertEquals(findings.map(({ is }) => is).filter((is) => is === "may_not_join" || OF_FLEET.test(is)), [
    "may_not_join",
  ]);
  assertMatch(JSON.stringify(unseen), /not authorized on shop to execute command/);
});

import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { diagnosisJson } from "../../control/doctor/diagnosis_json.ts";
import { diagnosisText } from "../../control/doctor/diagnosis_text.ts";
import { Patient } from "../support/doctor.ts";
import { FailingServer } from "../support/failing_server.ts";
import { Guarded } from "../support/guarded.ts";
import { testDatabase, testUri } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";

const PASSWORD = "s3cr3t-Passw0rd";

Deno.test("doctor finds the rights that a user lacks on one collection, and needs no more than the agent does", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser(PASSWORD);
  const admin = guarded.client.db("admin");
  await using patient = await Patient.of({ uri: guarded.uri(PASSWORD), name: "shop" }, {
    MONGODB_COLLECTION: "documents",
    WRITES_TO: "totals",
    RATE_LIMIT: "50",
    RATE_LIMIT_SCOPE: "fleet",
  });
  const sound = await patient.diagnose();
  assertEquals([sound.canWork, sound.unseen.map(({ concern }) => concern)], [true, ["pod", "plans"]]);
  assertEquals(sound.findings.map(({ is }) => is), ["index_to_come", "index_to_come"]);
  assertMatch(sound.patient, /as the user agent of admin$/);

  const on = (collection: string, actions: string[]) => ({ resource: { db: "shop", collection }, actions });
  await admin.command({
    createRole: "reader",
    privileges: [on("documents", ["find", "listIndexes"]), on("documents_dead_letters", ["find", "insert"])],
    roles: [],
  });
  await admin.command({ updateUser: "agent", roles: ["reader"] });
  const { canWork, findings, unseen } = await patient.diagnose();
  assertFalse(canWork);
  assertEquals(findings.map(({ is, level, says }) => [level, is, says]).slice(0, 5), [
    ["stops", "may_not_pull", "The user agent lacks the right to update on shop.documents"],
    [
      "stops",
      "may_not_register",
      "The user agent lacks the right to find, insert, update and remove on shop.documents_agents",
    ],
    [
      "hurts",
      "may_not_keep_letters",
      "The user agent lacks the right to update and remove on shop.documents_dead_letters",
    ],
    [
      "hurts",
      "may_not_write",
      "The user agent lacks the right to find, insert, update and remove on shop.totals",
    ],
    [
      "hurts",
      "may_not_see_ranges",
      "The user agent lacks the right to find and update on shop.documents_agents, so that the agent does not see what " +
      "agents with CLAIM_MODE=range hold: if there are any, it runs that a second time",
    ],
  ]);
  assertEquals(findings.map(({ is }) => is).slice(5), ["index_missing", "index_missing", "may_not_follow"]);
  // Without the right to see the options of collections.
  assert(unseen.some(({ concern, why }) => concern === "validator" && /listCollections/.test(why)));

  // Without the limit, the agent works.
  await using unlimited = await Patient.of({ uri: guarded.uri(PASSWORD), name: "shop" }, {});
  const joining = (await unlimited.diagnose()).findings.filter(({ says }) => says.includes("_agents"));
  assertEquals(joining.map(({ is, level }) => [level, is]), [
    ["hurts", "may_not_join"],
    ["hurts", "may_not_see_ranges"],
  ]);
  const place = { uri: guarded.uri(PASSWORD), name: "shop" };
  await using byRange = await Patient.of(place, { CLAIM_MODE: "range" });
  const holding = (await byRange.diagnose()).findings.filter(({ is }) => /range/.test(is));
  assertEquals(holding.map(({ is, level, says }) => [level, is, says]), [[
    "stops",
    "may_not_claim_by_range",
    "The user agent lacks the right to find, insert and update on shop.jobs_agents, so that with CLAIM_MODE=range the agent " +
    "claims no new document",
  ]]);
  await using alone = await Patient.of({ uri: guarded.uri(PASSWORD), name: "shop" }, { FLEET: "off" });
  assert((await alone.diagnose()).findings.every(({ says }) => !says.includes("_agents")));

  await patient.mend(findings[0]!, guarded.client);
  const mended = await patient.diagnose();
  assertEquals(mended.findings.map(({ is }) => is), ["index_to_come", "index_to_come"]);
  for (const text of [diagnosisText(mended), diagnosisJson(mended)]) {
    assertFalse(text.includes(PASSWORD), text);
  }

  await admin.command({
    createRole: "blind",
    privileges: [on("documents", ["find", "insert", "update", "remove"])],
    roles: [],
  });
  await admin.command({ updateUser: "agent", roles: ["blind"] });
  await guarded.client.db("shop").createCollection("documents").catch(() => {});
  await guarded.client.db("shop").collection<{ status: string }>("documents").insertOne({
    status: "pending",
  });
  const unlisted = (await patient.diagnose()).findings.find(({ is }) => is === "reads_all");
  assertMatch(
    unlisted!.says,
    /^Queries for .*new documents, .* read all of documents: this user may not list the indexes/,
  );
  await patient.mend(unlisted!, guarded.client);
  assertFalse((await patient.diagnose()).findings.some(({ is }) => is === "reads_all"));

  await guarded.changePassword("another");
  const refused = await patient.diagnose();
  assertEquals(refused.findings.map(({ is }) => is), ["out_of_reach"]);
  assertMatch(refused.findings[0]!.says, /refuses the user or the password/i);
  assert(
    refused.unseen.some(({ concern, why }) => concern === "indexes" && why === "MongoDB is out of reach"),
  );
  for (const text of [diagnosisText(refused), diagnosisJson(refused)]) {
    assertFalse(text.includes(PASSWORD), text);
  }
});

Deno.test("doctor finds a standalone server, what WRITES_TO lacks there, and a server that does not answer", async () => {
  await using dir = await TempDir.make();
  let server = await startMongod({ dbPath: `${dir.path}/db` });
  try {
    await using client = new MongoClient(server.uri, { directConnection: true });
    await client.db("shop").createCollection("jobs");
    const place = { uri: server.uri, name: "shop" };
    await using patient = await Patient.of(place, { LEASE_DURATION: "2" });
    await using writing = await Patient.of(place, { WRITES_TO: "totals" });
    const standalone = await patient.finding("standalone");
    assertEquals([standalone.level, (await writing.finding("no_transactions")).level], ["note", "stops"]);

    server.freeze();
    const frozen = await patient.diagnose();
    server.thaw();
    assertEquals([frozen.canWork, frozen.findings[0]?.is], [false, "out_of_reach"]);

    const { port } = server;
    await server.stop();
    // What is to be done by hand.
    server = await startMongod({ dbPath: `${dir.path}/db`, port, args: ["--replSet", "rs0"] });
    await patient.mend(standalone, client);
    await using primary = new MongoClient(`${server.uri}?replicaSet=rs0`, {
      serverSelectionTimeoutMS: 30_000,
    });
    await primary.db("admin").command({ ping: 1 });
    for (const each of [patient, writing]) {
      const found = await each.found();
      assert(!found.includes("standalone") && !found.includes("no_transactions"), String(found));
    }
  } finally {
    await server.stop();
  }
});

Deno.test("doctor finds a server that lets it connect and answers no question about the collection", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await database.db.createCollection("jobs");
  await using patient = await Patient.of(database);
  const failCommands = ["listCollections", "listIndexes", "find", "aggregate", "explain"];
  await server.fail("pulling-agent/patient", { failCommands, closeConnection: true });
  const finding = await patient.finding("no_answer");
  assertEquals(finding.level, "stops");
  assertFalse((await patient.diagnose()).canWork);
  await patient.mend(finding, database.client);
  assert(await server.mend() > 0);
  assertFalse((await patient.found()).includes("no_answer"));
});

Deno.test("doctor finds a wrong name of the replica set, in MONGODB_URI and in MONGODB_URI_FILE", async () => {
  await using database = await testDatabase("doctor");
  await database.db.createCollection("jobs");
  const uri = testUri().replace("replicaSet=rs0", "replicaSet=other&retryWrites=true");
  await using patient = await Patient.of({ name: database.name, uri });
  await using byFile = await Patient.of({ name: database.name, uri: "" });
  byFile.env.MONGODB_URI_FILE = `${byFile.dir}/uri`;
  await Deno.writeTextFile(byFile.env.MONGODB_URI_FILE, `${uri}\n`);
  await Promise.all([patient, byFile].map(async (each) => {
    const finding = await each.finding("wrong_set");
    assertEquals(finding.level, "stops");
    assertMatch(finding.says, /is a member of the set "rs0", and MONGODB_URI asks for replicaSet=other/);
    await each.mend(finding);
    const { canWork, findings } = await each.diagnose();
    assert(canWork, JSON.stringify(findings));
  }));
});

Deno.test("doctor finds certificates that are about to end, of the server and of the authority, and trust in any server", async () => {
  await using dir = await TempDir.make();
  const certify = async (days: number) => {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const named = ["-days", `${days}`, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const { success } = await new Deno.Command("openssl", {
      args: [...args, ...named, "-keyout", "key.pem", "-out", "ca.pem"],
      cwd: dir.path,
      stderr: "null",
    }).output();
    assert(success);
    const parts = await Promise.all(
      ["key.pem", "ca.pem"].map((name) => Deno.readTextFile(`${dir.path}/${name}`)),
    );
    await dir.write("server.pem", parts.join(""));
  };
  await certify(5);
  await using server = await startMongod({
    args: ["--tlsMode", "preferTLS", "--tlsCertificateKeyFile", `${dir.path}/server.pem`],
  });
  const uri = `mongodb://localhost:${server.port}/?tls=true&tlsCAFile=${dir.path}/ca.pem`;
  await using patient = await Patient.of({ uri, name: "shop" });
  const { findings } = await patient.diagnose();
  const ending = findings.filter(({ is }) => is === "certificate_ends");
  assertEquals(ending.map(({ level, says }) => [level, says]), [
    ["hurts", `The certificate of CN=localhost in ${dir.path}/ca.pem (tlsCAFile) ends in 4 days`],
    ["hurts", `The certificate of the MongoDB server localhost:${server.port} ends in 4 days`],
  ]);
  await using later = await Patient.of({ uri, name: "shop" }, {}, {
    now: () => new Date(Date.now() + 10 * 86_400_000),
  });
  assertEquals((await later.finding("clock_far")).level, "hurts");
  const ended = (await later.diagnose()).findings.filter(({ is }) => is === "certificate_ended");
  assertEquals(ended.map(({ level }) => level), ["stops", "stops"]);
  assertMatch(ended[1]!.says, /^The certificate of the MongoDB server localhost:\d+ ended on \d{4}-/);
  later.env.MONGODB_URI += "&tlsAllowInvalidCertificates=true";
  assertFalse((await later.found()).includes("certificate_ended"));
  await using earlier = await Patient.of({ uri, name: "shop" }, {}, {
    now: () => new Date(Date.now() - 10 * 86_400_000),
  });
  const early = (await earlier.diagnose()).findings.filter(({ is }) => is === "certificate_early");
  assertEquals(early.map(({ level }) => level), ["stops", "stops"]);
  assertMatch(early[0]!.says, /ca.pem \(tlsCAFile\) is not valid before \d{4}-/);

  await certify(100);
  await using client = new MongoClient(`mongodb://localhost:${server.port}/`);
  for (const each of ending) await patient.mend(each, client);
  assertFalse((await patient.found()).includes("certificate_ends"));

  patient.env.MONGODB_URI += "&tlsInsecure=true";
  const trusting = await patient.finding("trusts_all");
  assertEquals(trusting.level, "hurts");
  await patient.mend(trusting);
  assertEquals(patient.env.MONGODB_URI, uri);
});

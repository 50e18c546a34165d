import { BSON, type Document } from "mongodb";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { HttpService } from "../support/http_service.ts";
import { PYTHON } from "../support/languages.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";

const OID = "665000000000000000000000";

/** What every kind of processor answers for a document, in Extended JSON; the document 3 asks for what is refused. */
function resultFor(id: number): string {
  if (id === 3) {
    return `{"writes":[{"collection":"made","insertOne":{"of":3}},{"collection":"documents","deleteOne":{"filter":{}}}]}`;
  }
  return `{"set":{"n":${id}},"writes":[
    {"collection":"made","insertOne":{"of":${id},"oid":{"$oid":"${OID}"},"at":{"$date":"2026-11-26T02:00:00Z"},"long":9007199254740993}},
    {"collection":"sums","updateOne":{"filter":{"_id":"all"},"update":{"$inc":{"count":1,"sum":${id}}},"upsert":true}},
    {"collection":"sums","updateOne":{"filter":{"_id":"all"},"update":[{"$set":{"twice":{"$multiply":["$sum",2]}}}]}},
    {"collection":"given","deleteOne":{"filter":{"of":${id}}}},
    {"collection":"given","replaceOne":{"filter":{"of":-${id}},"replacement":{"gone":true}}},
    {"collection":"given","updateOne":{"filter":{"of":"nothing"},"update":{"$set":{"a":1}}}}
  ]}`.replaceAll(/\s*\n\s*/g, "");
}

/** The same as a module that makes the values itself. */
const MODULE = `export default ({ _id }) => results[_id];
const results = Object.fromEntries(${JSON.stringify(upTo(4))}.map((id) => [id, resultOf(id)]));
function resultOf(of) {
  if (of === 3) {
    return { writes: [{ collection: "made", insertOne: { of } }, { collection: "documents", deleteOne: { filter: {} } }] };
  }
  const at = new Date("2026-11-26T02:00:00Z");
  // The id comes as the driver's own type with the document; here it is a text, which the test tells apart.
  return { set: { n: of }, writes: [
    { collection: "made", insertOne: { of, oid: "${OID}", at, long: 9007199254740993n } },
    { collection: "sums", updateOne: { filter: { _id: "all" }, update: { $inc: { count: 1, sum: of } }, upsert: true } },
    { collection: "sums", updateOne: { filter: { _id: "all" }, update: [{ $set: { twice: { $multiply: ["$sum", 2] } } }] } },
    { collection: "given", deleteOne: { filter: { of } } },
    { collection: "given", replaceOne: { filter: { of: -of }, replacement: { gone: true } } },
    { collection: "given", updateOne: { filter: { of: "nothing" }, update: { $set: { a: 1 } } } },
  ] };
}
`;

/** Answers with the line of the file RESULTS that has the number of the document. */
const PROGRAM = `import json, os, sys
results = open(os.environ["RESULTS"]).read().split("\\n")
for line in sys.stdin:
    call = json.loads(line)
    calls = call.get("batch") or [call]
    each = [results[one["document"]["_id"] - 1] for one in calls]
    answer = "[%s]" % ",".join(each) if "batch" in call else each[0]
    print('{"id": "%s", "ok": true, "result": %s}' % (call["id"], answer), flush=True)
`;

const json = (text: string) => new Response(text, { headers: { "content-type": "application/json" } });

/** Each kind of processor, and the settings with which it runs; a service is given by its address. */
const KINDS: Record<string, (home: AgentHome, service: string) => Promise<Record<string, string>>> = {
  "a module": async (home) => ({ PROCESSOR: `module:${await home.write("writing.js", MODULE)}` }),
  "a service": (_, PROCESSOR) => Promise.resolve({ PROCESSOR }),
  "a service in batches": (_, PROCESSOR) => Promise.resolve({ PROCESSOR, PROCESSOR_BATCH: "true" }),
  "a program": async (home) => ({
    PROCESSOR: `exec:python3 ${await home.write("worker.py", PROGRAM)}`,
    RESULTS: await home.write("results", upTo(4).map(resultFor).join("\n")),
  }),
  "a program in batches": async (home) => ({
    PROCESSOR: `exec:python3 ${await home.write("worker.py", PROGRAM)}`,
    PROCESSOR_BATCH: "true",
    RESULTS: await home.write("results", upTo(4).map(resultFor).join("\n")),
  }),
};

async function all(db: TestDatabase, collection: string): Promise<Document[]> {
  return await db.db.collection(collection).find({}, { sort: { of: 1 }, promoteLongs: false }).toArray();
}

const noPython = await isMissing(PYTHON);
for (const [kind, settings] of Object.entries(KINDS)) {
  Deno.test({
    name:
      `Results: the writes of ${kind} are made as they are, with the ack, and those of a wrong one are not`,
    ignore: noPython && kind.includes("program"),
    async fn() {
      await using db = await testDatabase("writes");
      const documents = await insertPending(db, upTo(4));
      await db.db.collection("given").insertMany(upTo(5).flatMap((of) => [{ of }, { of: -of }]));
      await using service = new HttpService(({ body }) => {
        const sent = JSON.parse(body);
        return json(
          Array.isArray(sent) ? `[${sent.map(({ _id }) => resultFor(_id)).join()}]` : resultFor(sent._id),
        );
      });
      await using home = await agentHome({ db });
      const env = await settings(home, service.url);

      const tried = await home.runWith({ args: ["try", "--json"], env });
      const found = tried.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      assertEquals([tried.code, found.map(({ outcome }) => outcome)], [1, [
        "processed",
        "processed",
        "dead_letter",
        "processed",
      ]]);
      assertEquals(found[0].writes[0].insertOne.long, { $numberLong: "9007199254740993" });
      assertEquals([await all(db, "made"), await documents.countDocuments({ status: "pending" })], [[], 4]);

      await home.runWith({ args: ["run", "--until-empty"], env });
      const good = [1, 2, 4];
      const made = await all(db, "made");
      assertEquals(
        made.map(({ of, at }) => [Number(of), at]),
        good.map((of) => [of, new Date("2026-11-26T02:00:00Z")]),
      );
      for (const { oid, long } of made) {
        assertEquals(String(oid), OID);
        assert(kind === "a module" || oid instanceof BSON.ObjectId);
        assertEquals(
          BSON.EJSON.stringify({ long }, { relaxed: false }),
          '{"long":{"$numberLong":"9007199254740993"}}',
        );
      }
      assertEquals((await all(db, "sums")).map((each) => JSON.stringify(each)), [
        '{"_id":"all","count":3,"sum":7,"twice":14}',
      ]);
      assertEquals((await all(db, "given")).map(({ of, gone }) => gone ?? Number(of)).toSorted(), [
        -3,
        -5,
        3,
        5,
        true,
        true,
        true,
      ]);
      assertEquals(await documents.countDocuments({ status: "processed", n: { $in: good } }), 3);
      const failed = await documents.findOne({ status: "failed" });
      assertEquals(failed?._id, 3);
      assertStringIncludes(
        String(failed?.error),
        "writes[1].deleteOne deletes a document in the collection that this",
      );
    },
  });
}

Deno.test("WRITES_TO limits what a service may write to, and the dead letter names the setting", async () => {
  await using db = await testDatabase("writes to");
  const documents = await insertPending(db, upTo(2));
  await using service = new HttpService(({ body }) =>
    json(
      `{"writes":[{"collection":"${
        JSON.parse(body)._id === 1 ? "made" : "users"
      }","insertOne":{"admin":true}}]}`,
    )
  );
  await using home = await agentHome({ db, env: { PROCESSOR: service.url, WRITES_TO: "made, sums" } });
  await home.run("run", "--until-empty");
  assertEquals([await db.db.collection("made").countDocuments(), await all(db, "users")], [1, []]);
  const { error } = (await documents.findOne({ status: "failed" }))!;
  assertEquals(
    error,
    'Cannot write the processor\'s result: writes[0].collection is "users", which WRITES_TO does not allow: name it ' +
      "there, or write to one of those that it names (made, sums)",
  );
});

Deno.test("check shows WRITES_TO, and refuses one that no processor can use", async () => {
  await using home = await agentHome({ db: { uri: "mongodb://localhost", name: "shop" } });
  const fine = await home.runWith({ args: ["check"], env: { PROCESSOR: "log", WRITES_TO: "made, sums" } });
  assertEquals(fine.code, 0, fine.stderr);
  assert(/WRITES_TO\s+made,sums/.test(fine.stdout), fine.stdout);
  const wrong = await home.runWith({
    args: ["check"],
    env: { PROCESSOR: "log", WRITES_TO: "a,documents_dead_letters" },
  });
  assertEquals(wrong.code, 2);
  assertStringIncludes(
    wrong.stderr,
    'WRITES_TO names "documents_dead_letters", the collection of the dead letters',
  );
});

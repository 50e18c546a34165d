import { Decimal128, Double, Long, ObjectId } from "bson";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { closed, HttpService, RawService, send } from "../support/http_service.ts";
import { PYTHON } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { python } from "../support/programs.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** Puts a content in the place of a file at once, as Kubernetes does with a secret. */
async function replaceFile(path: string, content: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, content);
  await Deno.rename(`${path}.new`, path);
}

Deno.test("httpProcessor() uses new headers and keys as soon as their files hold them, and hides all of them", async () => {
  await using db = await testDatabase("http files");
  const documents = documentsOf(db);
  const seen: { token: string | null; signatures: number }[] = [];
  await using service = new HttpService(({ headers }) => {
    const token = headers.get("authorization");
    seen.push({ token, signatures: headers.get("webhook-signature")?.split(" ").length ?? 0 });
    return new Response(`no: ${token} ${headers.get("webhook-signature")}`, { status: 500 });
  });
  await using home = await agentHome({
    db,
    env: { PROCESSOR: service.url, BREAKER_THRESHOLD: "0", MAX_ATTEMPTS: "1", LOG_LEVEL: "DEBUG" },
  });
  const HTTP_HEADERS_FILE = await home.write("headers", "Authorization: Bearer first-token\n");
  const HTTP_SIGNING_SECRET_FILE = await home.write("keys", "first-signing-key\n");
  const agent = await home.startReady({ env: { HTTP_HEADERS_FILE, HTTP_SIGNING_SECRET_FILE } });
  await insertPending(db, [0]);
  await waitFor("the first request", () => seen.length > 0);
  assertEquals(seen[0], { token: "Bearer first-token", signatures: 1 });
  await replaceFile(HTTP_HEADERS_FILE, "Authorization: Bearer second-token\n");
  await replaceFile(HTTP_SIGNING_SECRET_FILE, "second-signing-key\nfirst-signing-key\n");
  let next = 1;
  await waitFor("a request with both", async () => {
    await insertPending(db, [next++]);
    return seen.some(({ token, signatures }) => token === "Bearer second-token" && signatures === 2);
  });
  await waitFor(
    "all to have failed",
    async () => await documents.countDocuments({ status: "failed" }) === next,
  );
  const errors = (await documents.find().toArray()).map(({ error }) => String(error));
  for (const error of errors) assertMatch(error, /answered 500: no: \*\*\*/);
  for (const text of [...errors, agent.output]) {
    assert(!/first-token|second-token|signing-key/.test(text), text);
  }
});

Deno.test("httpProcessor() ends the request of a document whose lease is lost, and another agent's counts", async () => {
  await using db = await testDatabase("http lease lost");
  const documents = await insertPending(db, [1]);
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  using service = new RawService(async (connection) => {
    asked += 1;
    if (asked > 1) return await send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    begun.resolve();
    await closed(connection).catch(() => {});
    ended.resolve();
  });
  const env = { PROCESSOR: service.url };
  await using one = await agentHome({ db, env });
  await using other = await agentHome({ db, env });
  const frozen = await one.startReady();
  await begun.promise;
  frozen.signal("SIGSTOP");
  await other.startReady();
  await waitFor("the other agent to process it", () => documents.findOne({ status: "processed" }));
  frozen.signal("SIGCONT");
  await ended.promise;
  assertEquals((await documents.findOne())!._pull!.attempts, 1);
});

Deno.test("httpProcessor() keeps values of each kind, waits until the date of Retry-After, and writes no field of the agent's", async () => {
  await using db = await testDatabase("http values");
  const documents = documentsOf(db);
  const values = {
    long: Long.fromString("9007199254740993"),
    at: new Date(1e12),
    id: new ObjectId(),
    price: Decimal128.fromString("1.10"),
    half: new Double(0.5),
    binary: new Uint8Array([1, 2, 3]),
    nested: [{ a: null }, "grün"],
  };
  await documents.insertMany([1, 2, 3].map((_id) => ({ _id, status: "pending", values })) as never[]);
  const date = new Date();
  let sent: AnyDocument = {};
  await using service = new HttpService(({ body }) => {
    const { _id, values } = JSON.parse(body);
    if (_id === 2) return Response.json({ set: { _pull: { attempts: 0 } } });
    if (_id === 1) {
      return new Response(body.replace(/^.*?"values":/, '{"set":{"copy":').replace(/\}$/, "}}"), {
        headers: { "content-type": "application/json" },
      });
    }
    sent = values;
    const headers = {
      date: date.toUTCString(),
      "retry-after": new Date(date.getTime() + 3_600_000).toUTCString(),
    };
    return new Response("later", { status: 500, headers });
  });
  await using home = await agentHome({ db, env: { PROCESSOR: service.url } });
  await home.startReady();
  const find = (_id: number, query: object) =>
    waitFor(
      `document ${_id}`,
      () => documents.findOne({ _id, ...query }, { promoteValues: false }),
    ) as Promise<AnyDocument>;
  const { copy, values: original } = await find(1, { status: "processed" });
  assertEquals(copy, original);
  assertMatch(String((await find(2, { status: "failed" })).error), /"_pull" belongs to the agent/);
  const { _pull } = await waitFor(
    "document 3",
    () => documents.findOne({ _id: 3, status: "pending", "_pull.visible_at": { $exists: true } }),
  ) as AnyDocument;
  assert(_pull.visible_at.getTime() - date.getTime() > 3_500_000, String(_pull.visible_at));
  const { long, at, half, price } = sent;
  assertEquals([long, at, half, price], [
    { $numberLong: "9007199254740993" },
    { $date: "2001-09-09T01:46:40Z" },
    0.5,
    { $numberDecimal: "1.10" },
  ]);
});

Deno.test("httpProcessor() sends no body of more than 32 MiB: documents of control characters are dead letters, and the agent goes on", async () => {
  await using db = await testDatabase("http large");
  const documents = documentsOf(db);
  await using service = new HttpService(() => new Response());
  // Each character takes six as JSON.
  for (let _id = 0; _id < 2; _id++) {
    await documents.insertOne({ _id, status: "pending", text: "\u0001".repeat(6_000_000) });
  }
  await insertPending(db, [2, 3]);
  await using home = await agentHome({ db, env: { PROCESSOR: service.url } });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0, agent.output);
  const dead = await documents.find({ status: "failed" }, { projection: { text: 0 } }).toArray();
  assertEquals(dead.map(({ error }) => error), Array(2).fill(dead[0]!.error));
  assertMatch(
    String(dead[0]!.error),
    /^The document has 35 MiB as JSON, and at most 32 MiB are sent: make it smaller$/,
  );
  assertEquals(await documents.countDocuments({ status: "processed" }), 2);
});

/** Answers too few entries for two documents, too many for three, and lets one fail of any other number. */
const PROGRAM = python(`answer["result"] = [{} for each in order["batch"]]
if len(order["batch"]) == 2: answer["result"].pop()
elif len(order["batch"]) == 3: answer["result"].append({})
else: answer["result"][0] = {"ok": False, "error": "only this", "permanent": True}`);

for (const kind of ["a service", "a program"]) {
  Deno.test({
    name:
      `PROCESSOR_BATCH lets ${kind} fail one document of a batch, and all if there are too few or too many answers`,
    ignore: kind === "a program" && await isMissing(PYTHON),
    async fn() {
      await using service = new HttpService(({ body }) => {
        const count = JSON.parse(body).length;
        const entries = Array.from({ length: count + (count === 2 ? -1 : count === 3 ? 1 : 0) }, () => ({}));
        if (count > 3) entries[0] = { message: "only this", permanent: true };
        return Response.json(entries);
      });
      for (
        const [count, failed, error] of [
          [2, 2, /entry for each of the 2/],
          [3, 3, /entry for each of the 3/],
          [4, 1, /^only this$/],
        ] as const
      ) {
        await using db = await testDatabase("batches");
        const documents = await insertPending(db, Array.from({ length: count }, (_, _id) => _id));
        await using home = await agentHome({ db, env: { PROCESSOR_BATCH: "true", MAX_ATTEMPTS: "1" } });
        const path = await home.write("program.py", PROGRAM);
        const PROCESSOR = kind === "a service" ? service.url : `exec:python3 ${path}`;
        assertEquals((await home.runWith({ args: ["run", "--until-empty"], env: { PROCESSOR } })).code, 0);
        const dead = await documents.find({ status: "failed" }).toArray();
        assertEquals([dead.length, await documents.countDocuments({ status: "processed" })], [
          failed,
          count - failed,
        ]);
        for (const document of dead) assertMatch(String(document.error), error);
      }
    },
  });
}

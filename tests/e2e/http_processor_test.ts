import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { spawnTied } from "../../scripts/tied_process.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { closed, HttpService, RawService, send } from "../support/http_service.ts";
import { testDatabase } from "../support/mongod.ts";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { waitFor } from "../support/wait.ts";

function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json" }, ...init });
}

Deno.test("httpProcessor() drains 1,000 documents through a service that fails now and then, over 16 connections", async () => {
  await using db = await testDatabase("http drain");
  const documents = await insertPending(db, upTo(1000));
  await using service = new HttpService(({ body, headers }) => {
    const { _id } = JSON.parse(body);
    const isFirst = headers.get("x-attempt") === "1";
    if (isFirst && _id % 50 === 0) return json({}, { status: 503, headers: { "retry-after": "0" } });
    if (_id === 7) return new Response("no such order", { status: 422 });
    return new Response(`{"set":{"long":9007199254740993,"of":${_id}}}`, {
      headers: { "content-type": "application/json" },
    });
  });
  await using home = await agentHome({ db, env: { PROCESSOR: service.url, CONCURRENCY: "16" } });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  await agent.exit();
  assertEquals(await documents.countDocuments({ status: "processed", $expr: { $eq: ["$of", "$_id"] } }), 999);
  const [one] = await documents.find({ _id: 1 }, { useBigInt64: true }).toArray();
  assertEquals(one!.long, 9007199254740993n);
  const failed = await documents.findOne({ _id: 7 });
  assertEquals([failed!.status, failed!.error], ["failed", `${service.url} answered 422: no such order`]);
  assertEquals(service.requests.length, 1020);
  assert(service.connections <= 16, `${service.connections} connections`);
  const keys = new Set(service.requests.map(({ headers }) => headers.get("idempotency-key")));
  assertEquals([keys.size, keys.has(`${db.name}.documents:{"$numberInt":"1"}`)], [1000, true]);
});

Deno.test("httpProcessor() makes no dead letters while an address leads nowhere, and drains the collection after that", async () => {
  await using db = await testDatabase("http down");
  const documents = await insertPending(db, upTo(500));
  let isBack = false;
  await using service = new HttpService(() =>
    isBack ? new Response() : new Response("no backend", { status: 404 })
  );
  const env = { PROCESSOR: service.url, MAX_ATTEMPTS: "3", BREAKER_COOLDOWN: "2" };
  await using home = await agentHome({ db, env });
  const agent = await home.startReady();
  const { error } = await agent.log("The processor fails for one document after the other");
  assertEquals(error, `${service.url} answered 404: no backend`);
  // 20 in a row, those that were under way with them, and three that were tried one by one.
  const asked = service.requests.length;
  assert(asked <= 20 + 16 + 3, `${asked} requests`);
  const { summary, ready, trouble } = JSON.parse((await home.run("status", "--json")).stdout);
  assertEquals([ready, trouble.what], [false, "processor_fails"]);
  assertStringIncludes(summary, "not ready: the processor has failed for one document after the other");
  assertEquals((await home.run("health", "readiness")).code, 1);
  assertEquals((await home.run("health", "liveness")).code, 0);
  await agent.log("The processor still fails");
  const attempts = await documents.countDocuments({ "_pull.attempts": { $gt: 0 } });
  assert(attempts <= 20 + 3 * 3, `${attempts} documents have lost an attempt`);
  isBack = true;
  await agent.log("The processor works again");
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 500,
  );
  assertEquals(agent.entries.filter(({ message }) => message.includes("one document after")).length, 1);
});

Deno.test("httpProcessor() with PROCESSOR_BATCH posts arrays, and an entry may fail alone", async () => {
  await using db = await testDatabase("http batches");
  const documents = await insertPending(db, upTo(50));
  await using service = new HttpService(({ body }) =>
    json(
      JSON.parse(body).map(({ _id }: { _id: number }) =>
        _id === 3 ? { message: "no stock", permanent: true } : { set: { of: _id } }
      ),
    )
  );
  await using home = await agentHome({ db, env: { PROCESSOR: service.url, PROCESSOR_BATCH: "true" } });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  await agent.exit();
  assertEquals(await documents.countDocuments({ status: "processed", $expr: { $eq: ["$of", "$_id"] } }), 49);
  assertEquals((await documents.findOne({ _id: 3 }))!.error, "no stock");
  assert(service.requests.length < 50, `${service.requests.length} requests`);
});

Deno.test("httpProcessor() ends the request that PROCESS_TIMEOUT interrupts, and goes on with the next", async () => {
  await using db = await testDatabase("http timeout");
  const documents = await insertPending(db, [1]);
  const gone = Promise.withResolvers<void>();
  let asked = 0;
  using service = new RawService(async (connection) => {
    asked += 1;
    if (asked > 1) return await send(connection, "HTTP/1.1 204 No Content\r\n\r\n");
    await send(connection, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    await closed(connection).catch(() => {});
    gone.resolve();
  });
  await using home = await agentHome({ db, env: { PROCESSOR: service.url, PROCESS_TIMEOUT: "200ms" } });
  const agent = await home.startReady();
  await agent.log("took longer than PROCESS_TIMEOUT");
  await gone.promise;
  await waitFor("the second attempt", () => documents.findOne({ status: "processed" }));
});

Deno.test("httpProcessor() goes through the proxy of HTTP_PROXY", async () => {
  await using db = await testDatabase("http proxy");
  const documents = await insertPending(db, [1]);
  using proxy = new RawService((connection) => send(connection, "HTTP/1.1 204 No Content\r\n\r\n"));
  await using home = await agentHome({
    db,
    env: {
      PROCESSOR: "http://orders.invalid/new",
      HTTP_PROXY: new URL(proxy.url).origin,
      NO_PROXY: "127.0.0.1",
    },
  });
  await home.startReady();
  await waitFor("it to be processed", () => documents.findOne({ status: "processed" }));
});

Deno.test("check shows the settings of a service without its secrets, and refuses addresses that cannot be used", async () => {
  await using home = await agentHome({ db: { uri: "mongodb://localhost", name: "shop" } });
  const token = await home.write("headers", "Authorization: Bearer t0ken-of-the-shop");
  const env = {
    PROCESSOR: "http://shop:s3cret-word@orders/new?key=k3y-of-the-shop",
    HTTP_HEADERS_FILE: token,
  };
  const fine = await home.runWith({ args: ["check"], env });
  assertEquals(fine.code, 0, fine.stderr);
  assertStringIncludes(fine.stdout, "http://***@orders/new?key=***");
  assertStringIncludes(fine.stdout, token);
  const wrong = await home.runWith({
    args: ["check"],
    env: { ...env, PROCESSOR: "http://shop:s3cret-word@orders/#new" },
  });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "no server sees what follows the #");
  for (const text of [fine.stdout, fine.stderr, wrong.stdout, wrong.stderr]) {
    assert(!/s3cret-word|k3y-of|t0ken/.test(text), text);
  }
});

Deno.test({
  name: "httpProcessor() works off orders with examples/order_service.py",
  ignore: await isMissing(PYTHON),
  async fn() {
    await using db = await testDatabase("http example");
    const orders = db.db.collection<{ _id: number; lines: unknown[] }>("documents");
    const lines = [{ quantity: 3, unit_price: 2.5 }, { quantity: 1, unit_price: 0.1 }];
    await orders.insertMany([
      { _id: 1, status: "pending", lines },
      { _id: 2, status: "pending", lines: [] },
    ] as never[]);
    const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const PORT = String((free.addr as Deno.NetAddr).port);
    free.close();
    const service = await spawnTied("python3", ["examples/order_service.py"], { env: { PORT } });
    try {
      await waitFor("the service", async () => {
        const connection = await Deno.connect({ port: Number(PORT) }).catch(() => undefined);
        connection?.close();
        return connection;
      });
      await using home = await agentHome({ db, env: { PROCESSOR: `http://127.0.0.1:${PORT}/orders` } });
      await home.startReady();
      const done = await waitFor("the total", () => orders.findOne({ status: "processed" } as never));
      assertEquals((done as { total?: number }).total, 7.6);
      const failed = await waitFor("the dead letter", () => orders.findOne({ status: "failed" } as never));
      assertStringIncludes(
        String((failed as { error?: string }).error),
        `/orders answered 422: {"message": "the order has no lines"}`,
      );
    } finally {
      service.kill("SIGKILL");
      await service.status;
    }
  },
});

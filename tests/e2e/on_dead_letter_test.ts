import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { Certificates } from "../support/certificates.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { closed, HttpService, RawService } from "../support/http_service.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const TOKEN = "t0kenOfTheWebhook-9";
const PATH = `/services/${TOKEN}`;

/** Fails each document for good, for one of two reasons. */
const FAILING = `export default ({ _id }) => {
  const message = _id % 2 ? "no price for order " + _id : "no such customer: " + _id;
  throw Object.assign(new Error(message), { permanent: true });
};`;

interface Report {
  pattern: string;
  count: number;
  [field: string]: unknown;
}

Deno.test("ON_DEAD_LETTER: a webhook behind TLS and a proxy gets one request for each kind of error at once, and the rest at the end", async () => {
  await using db = await testDatabase("on dead letter");
  const documents = await insertPending(db, upTo(200));
  await using certificates = await Certificates.make();
  const read = (name: string) => Deno.readTextFile(certificates.path(name));
  const reports: Report[] = [];
  await using service = new HttpService(({ body }) => {
    reports.push(JSON.parse(body));
    return new Response("ok");
  }, { cert: await read("server.crt"), key: await read("server.key") });
  await using proxy = new HttpProxy(service.port);
  await using home = await agentHome({
    db,
    module: FAILING,
    env: {
      AGENT_NAME: "pod-1",
      HTTP_CA_FILE: certificates.path("ca.pem"),
      HTTPS_PROXY: `http://${proxy.host}`,
      LOG_LEVEL: "DEBUG",
    },
  });
  const ON_DEAD_LETTER_FILE = await home.write("webhook", `https://localhost${PATH}\n`);
  const startedMs = performance.now();
  const agent = await home.start({ env: { ON_DEAD_LETTER_FILE } });
  await waitFor("both kinds of errors to be reported", () => reports.length >= 2);
  await waitFor("all to fail", async () => await documents.countDocuments({ status: "failed" }) === 200);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  const { example, first_at: _, last_at: __, text, ...fields } = reports[0]!;
  assertEquals(Object.keys(example as object), ["id", "attempt", "error"]);
  assertStringIncludes(String(text), `in ${db.name}.documents`);
  assertEquals(
    { ...fields, count: 0, pattern: "" },
    { version: 1, agent: "pod-1", database: db.name, collection: "documents", pattern: "", count: 0 },
  );
  // One at once, one at the end, and one for each minute that the machine takes in between.
  const mostRequests = 2 + Math.floor((performance.now() - startedMs) / 60_000);
  // A service that is too slow at the end gets less, and the log tells how much less.
  const unreported = agent.entries.find(({ message }) =>
    message.startsWith("Dead letters were not reported")
  );
  for (const pattern of ["no price for order #", "no such customer: #"]) {
    const counts = reports.filter((report) => report.pattern === pattern).map(({ count }) => count);
    const reported = counts.reduce((sum, count) => sum + count, 0);
    assert(reported <= 100 && reported + Number(unreported?.letters ?? 0) >= 100, JSON.stringify(reports));
    assert(counts.length <= mostRequests, JSON.stringify(counts));
  }
  assert(proxy.heads.length > 0);
  assertFalse(agent.output.includes(TOKEN), agent.output);
});

/** Webhooks that take nothing, and what the log says of them. */
const FAULTS: Record<string, { open(): AsyncDisposable & { url: string }; says: RegExp }> = {
  "is not there": {
    open: () => ({ url: "http://127.0.0.1:1", [Symbol.asyncDispose]: () => Promise.resolve() }),
    says: /cannot be reached/,
  },
  "answers 500 and quotes the address": {
    open: () => plain(new HttpService(() => new Response(`POST ${PATH} failed`, { status: 500 }))),
    says: /answered 500: POST .*\*\*\*/,
  },
};

function plain(service: HttpService): AsyncDisposable & { url: string } {
  const url = `http://127.0.0.1:${service.port}`;
  return { url, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

Deno.test("ON_DEAD_LETTER: a webhook that takes nothing costs a few lines without the address, and no document", async () => {
  await using db = await testDatabase("on dead letter");
  const documents = await insertPending(db, upTo(100));
  for (const [what, { open, says }] of Object.entries(FAULTS)) {
    await using webhook = open();
    await documents.updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
    await using home = await agentHome({ db, module: FAILING, env: { ON_DEAD_LETTER: webhook.url + PATH } });
    const agent = await home.start();
    const { error, letters } = await agent.log("Cannot report dead letters to ON_DEAD_LETTER");
    assert(says.test(String(error)), `${what}: ${error}`);
    assert(Number(letters) > 0);
    await waitFor("all to fail", async () => await documents.countDocuments({ status: "failed" }) === 100);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
    const about = agent.entries.filter(({ message }) => message.includes("ON_DEAD_LETTER"));
    assertEquals(about.map(({ letters }) => letters).at(-1), 100, agent.output);
    assert(about.length <= 3, agent.output);
    assertFalse(agent.output.includes(TOKEN), agent.output);
  }
});

Deno.test("ON_DEAD_LETTER: a webhook that never answers holds up neither the work nor a drain right after the start", async () => {
  await using db = await testDatabase("on dead letter");
  const documents = await insertPending(db, upTo(100));
  const asked = Promise.withResolvers<void>();
  using service = new RawService(async (connection) => {
    asked.resolve();
    await closed(connection);
  });
  await using home = await agentHome({
    db,
    module: FAILING,
    env: { ON_DEAD_LETTER: service.url.replace("/orders", PATH) },
  });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  await asked.promise;
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments({ status: "failed" }), 100);
  const { letters, level } = await agent.log(
    "Dead letters were not reported to ON_DEAD_LETTER before the end",
  );
  assertEquals([level, letters], ["WARNING", 100]);
  assertFalse(agent.output.includes(TOKEN), agent.output);
});

Deno.test("check hides the address of ON_DEAD_LETTER, and refuses what is none without repeating it", async () => {
  await using home = await agentHome({ db: { uri: "mongodb://127.0.0.1:1", name: "nowhere" } });
  const ON_DEAD_LETTER = `https://hooks.example.com${PATH}`;
  const fine = await home.runWith({ args: ["check"], env: { ON_DEAD_LETTER, PROCESSOR: "log" } });
  assertEquals([fine.code, fine.stderr], [0, ""]);
  const wrong = await home.runWith({
    args: ["check"],
    env: { ON_DEAD_LETTER: `hooks${PATH}`, PROCESSOR: "log" },
  });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "ON_DEAD_LETTER has a value, which is no address");
  assertFalse((fine.stdout + wrong.stdout + wrong.stderr).includes(TOKEN));
});

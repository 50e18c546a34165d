import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { HttpService, RawService, send } from "../support/http_service.ts";
import { PYTHON } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { OtlpReceiver } from "../support/otlp_receiver.ts";

const PRODUCER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const TRACEPARENT = `00-${PRODUCER.traceId}-${PRODUCER.spanId}-01`;
const UNTIL_EMPTY = { args: ["run", "--until-empty"] };

Deno.test("OTEL_EXPORTER_OTLP_ENDPOINT gets all metrics and spans of a drain right after the start", async () => {
  await using db = await testDatabase("otlp");
  const documents = documentsOf(db);
  await documents.insertMany([
    { _id: 1, status: "pending", traceparent: TRACEPARENT },
    { _id: 2, status: "pending", traceparent: "x".repeat(1_000_000) },
    { _id: 3, status: "pending", traceparent: { traceparent: TRACEPARENT } },
  ]);
  await using collector = new OtlpReceiver();
  await using home = await agentHome({
    db,
    module: `export default ({ _id }, { traceparent }) => {
      if (_id === 3) throw Object.assign(new Error("no 3, mongodb://u:p@ss@h"), { permanent: true });
      return { set: { mine: traceparent } };
    }`,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_SERVICE_NAME: "orders",
      OTEL_RESOURCE_ATTRIBUTES: "k8s.pod.name=pod-7",
      // For the runtime, which is not to send anything of its own.
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "capture",
    },
  });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0, agent.output);

  const [claims, runs, acks, letters] = ["claim ", "process ", "ack ", "dead_letter "].map((name) =>
    collector.named(name)
  );
  assertEquals([claims!.length, runs!.length, letters!.length], [1, 3, 1]);
  assert(acks!.length >= 1);
  const byId = Object.fromEntries(runs!.map((span) => [span.attributes["messaging.message.id"], span]));
  const claim = { traceId: claims![0]!.traceId, spanId: claims![0]!.spanId };
  assertEquals(["1", "2", "3"].map((id) => byId[id]!.links), [[PRODUCER, claim], [claim], [claim]]);
  assertEquals(byId["3"]!.status, { code: 2, message: "no 3, mongodb://***@h" });
  assertEquals(letters![0]!.links, [{ traceId: byId["3"]!.traceId, spanId: byId["3"]!.spanId }]);

  const stored = await documents.find().sort({ _id: 1 }).toArray();
  for (const at of [0, 1]) {
    const { traceId, spanId } = byId[at + 1]!;
    assertEquals(stored[at]!.mine, `00-${traceId}-${spanId}-01`);
  }
  assertEquals(stored[0]!.traceparent, TRACEPARENT);
  assertEquals((stored[1]!.traceparent as string).length, 1_000_000);

  assertEquals(collector.valueOf("pulling_agent_settled", { outcome: "processed" }), 2);
  assertEquals(collector.valueOf("pulling_agent_settled", { outcome: "dead_lettered" }), 1);
  assertEquals(collector.valueOf("pulling_agent_build_info"), 1);
  for (const { resource } of [...collector.spans, ...collector.metrics]) {
    assertEquals([resource["service.name"], resource["k8s.pod.name"]], ["orders", "pod-7"]);
  }
  for (const { headers } of collector.requests) assertEquals(headers.get("user-agent"), "pulling-agent");
});

Deno.test("OTEL_EXPORTER_OTLP_ENDPOINT: a service gets the context of the run as a header, by http/json as well", async () => {
  await using db = await testDatabase("otlp");
  await insertPending(db, [1]);
  await using collector = new OtlpReceiver();
  await using service = new HttpService(() => new Response(null, { status: 204 }));
  await using home = await agentHome({
    db,
    env: {
      PROCESSOR: service.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
  });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0, agent.output);
  const { traceId, spanId } = collector.named("process ")[0]!;
  assertEquals(service.requests[0]!.headers.get("traceparent"), `00-${traceId}-${spanId}-01`);
  assertEquals(collector.valueOf("pulling_agent_settled", { outcome: "processed" }), 1);
});

Deno.test({
  name:
    "OTEL_EXPORTER_OTLP_ENDPOINT: a program gets the context of the run in its line, and of a batch beside it",
  ignore: await isMissing(PYTHON),
  fn: async () => {
    await using collector = new OtlpReceiver();
    for (const isBatch of [false, true]) {
      await using db = await testDatabase("otlp");
      const documents = await insertPending(db, [1, 2]);
      await using home = await agentHome({
        db,
        env: {
          PROCESSOR_BATCH: String(isBatch),
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
          OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret-token",
        },
      });
      const program = await home.write(
        "program.py",
        `import json, os, sys
for line in sys.stdin:
    call = json.loads(line)
    result = {"set": {"mine": call["traceparent"], "seen": [n for n in os.environ if "HEADERS" in n]}}
    results = [result for _ in call["batch"]] if "batch" in call else result
    print(json.dumps({"id": call["id"], "ok": True, "result": results}), flush=True)
`,
      );
      const agent = await home.start({ ...UNTIL_EMPTY, env: { PROCESSOR: `exec:python3 ${program}` } });
      assertEquals((await agent.exit()).code, 0, agent.output);
      const spans = collector.named(isBatch ? "process batch of " : "process ");
      const contexts = spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
      for (const { mine, seen } of await documents.find().toArray()) {
        assert(contexts.includes(mine as string), `${mine} is none of ${contexts}`);
        assertEquals(seen, []);
      }
      for (const { headers } of collector.requests) {
        assertEquals(headers.get("authorization"), "Bearer secret-token");
      }
      assert(!agent.output.includes("secret-token"));
    }
  },
});

/** A collector that is of no use, and what is said of it. */
interface Useless extends Disposable {
  url: string;
}

const SILENT = () => new RawService(() => new Promise<void>(() => {}));
const CLOSES = () => new RawService(() => Promise.resolve());
const HALF = () => new RawService((connection) => send(connection, "HTTP/1.1 200 OK\r\ncontent-le"));
const STATUS = (status: string) => () =>
  new RawService((connection) =>
    send(connection, `HTTP/1.1 ${status}\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n`)
  );
const AWAY = () => {
  using service = new RawService(() => Promise.resolve());
  return { url: service.url, [Symbol.dispose]() {} };
};
const COLLECTORS: [string, () => Useless, RegExp][] = [
  ["is away", AWAY, /refused/],
  ["never answers", SILENT, /no answer in 400 ms|before the agent ended/],
  ["closes each connection", CLOSES, /./],
  ["answers half", HALF, /./],
  ["answers 503 with Retry-After", STATUS("503 No"), /answered 503/],
  ["answers 400", STATUS("400 No"), /answered 400/],
];

Deno.test("OTEL_EXPORTER_OTLP_ENDPOINT: no collector holds up the work or the end, and the log has a few lines of it", async () => {
  await Promise.all(COLLECTORS.map(async ([what, open, said]) => {
    using collector = open();
    await using db = await testDatabase("otlp");
    const documents = await insertPending(db, upTo(300));
    const endpoint = new URL(collector.url);
    await using home = await agentHome({
      db,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:pass-word@${endpoint.host}`,
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret-token",
        // Those that answer get the time that they need on a slow machine.
        OTEL_EXPORTER_OTLP_TIMEOUT: open === SILENT || open === HALF ? "400" : "10000",
        OTEL_METRIC_EXPORT_INTERVAL: "100",
        OTEL_BSP_SCHEDULE_DELAY: "50",
        OTEL_BSP_MAX_QUEUE_SIZE: "50",
      },
    });
    const agent = await home.start(UNTIL_EMPTY);
    assertEquals((await agent.exit()).code, 0, `${what}: ${agent.output}`);
    assertEquals(await documents.countDocuments({ status: "processed" }), 300, what);
    const lines = agent.entries.filter(({ signal }) => signal !== undefined);
    const told = lines.filter(({ message }) => message.startsWith("Telemetry does not arrive"));
    assertEquals(new Set(told.map(({ signal }) => signal)), new Set(["traces", "metrics"]), agent.output);
    for (const { error } of told) assertMatch(String(error), said, what);
    assertLessOrEqual(lines.length, 6, agent.output);
    assertEquals(/pass-word|secret-token|cGFzcy13b3Jk/.test(agent.output), false, agent.output);
  }));
});

Deno.test("OTEL_EXPORTER_OTLP_PROTOCOL: grpc is said once at the start, and the agent works without", async () => {
  await using db = await testDatabase("otlp");
  await insertPending(db, [1]);
  await using collector = new OtlpReceiver();
  await using home = await agentHome({
    db,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
  });
  const agent = await home.start(UNTIL_EMPTY);
  assertEquals((await agent.exit()).code, 0, agent.output);
  const line = await agent.log("OTEL_EXPORTER_OTLP_PROTOCOL");
  assertEquals(line.level, "WARNING");
  assertMatch(
    line.message,
    /is "grpc": is not supported: set http\/protobuf.*until then, nothing is pushed$/,
  );
  assertEquals(collector.requests, []);
});

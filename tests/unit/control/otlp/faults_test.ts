import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { Certificates } from "../../../support/certificates.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { RawService } from "../../../support/http_service.ts";
import { OtlpReceiver } from "../../../support/otlp_receiver.ts";
import { OtlpSetup } from "../../../support/otlp_setup.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { waitFor } from "../../../support/wait.ts";

/** Tells of the runs of so many documents. */
function runs({ details }: OtlpSetup, count: number): void {
  for (let at = 0; at < count; at++) {
    const documents = [fakeDocument({ id: at })];
    const startedAtMs = performance.now();
    details.emit({ type: "run_started", documents });
    details.emit({ type: "run_ended", startedAtMs, documents, result: "ok", results: [{ ok: true }] });
  }
}

const QUICK = { OTEL_BSP_SCHEDULE_DELAY: "50", OTEL_METRICS_EXPORTER: "none" };
const TRACES = { OTEL_METRICS_EXPORTER: "none" };

Deno.test("Otlp: spans beyond OTEL_BSP_MAX_QUEUE_SIZE are not made, which is said once, and all others arrive", async () => {
  await using collector = new OtlpReceiver();
  const setup = new OtlpSetup(collector, { ...TRACES, OTEL_BSP_MAX_QUEUE_SIZE: "300" });
  runs(setup, 1000);
  await setup.otlp.end(5000);
  assertEquals(collector.spans.length, 300);
  const told = setup.log.filter((line) => line.includes("Spans were left out"));
  assertEquals(told.length, 1);
  assertMatch(told[0]!, /spans=700$/);
});

Deno.test("Otlp: a collector that is away costs a line, no more spans than fit, and none once it is back", async () => {
  const gone = new OtlpReceiver();
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  const setup = new OtlpSetup(gone, { ...QUICK, OTEL_BSP_MAX_QUEUE_SIZE: "100" });
  runs(setup, 500);
  await waitFor("the line", () => setup.log.length >= 2);
  await using collector = new OtlpReceiver({ port });
  await setup.otlp.end(5000);
  assertEquals(collector.spans.length, 100);
  const told = setup.log.filter((line) => line.includes("does not arrive"));
  assertEquals(told.length, 1);
  assertMatch(
    told[0]!,
    /^WARNING .*signal=traces endpoint=http:\/\/127\.0\.0\.1:\d+\/v1\/traces error=.*refused/,
  );
});

const STATUSES: [number, Record<string, string>, number, boolean][] = [
  [200, {}, 1, false],
  [503, { "retry-after": "3600" }, 2, true],
  [429, {}, 2, true],
  [400, {}, 1, true],
  [401, {}, 1, true],
  [301, { location: "http://127.0.0.1:1/" }, 1, true],
];
for (const [status, headers, requests, isLost] of STATUSES) {
  Deno.test(`Otlp: spans that a collector answers with ${status} are sent ${requests === 1 ? "once" : "again at the end"}`, async () => {
    await using collector = new OtlpReceiver({
      answer: () => new Response(status === 200 ? null : "<b>no</b>", { status, headers }),
    });
    const setup = new OtlpSetup(collector, QUICK);
    runs(setup, 3);
    await collector.untilAsked(1);
    await setup.otlp.end(5000);
    assertEquals(collector.requests.length, requests);
    assertEquals(setup.log.some((line) => line.includes(`answered ${status}`)), isLost);
    assertEquals(setup.log.some((line) => line.endsWith("lost=3")), isLost);
  });
}

Deno.test("Otlp: a collector that never answers holds up neither the work nor the end, beyond its time", async () => {
  using collector = new RawService(() => new Promise<void>(() => {}));
  const endpoint = new URL(collector.url).origin;
  const setup = new OtlpSetup({ endpoint }, { OTEL_EXPORTER_OTLP_TIMEOUT: "600000" });
  runs(setup, 3);
  const before = performance.now();
  await setup.otlp.end(200);
  assertLess(performance.now() - before, 60_000);
  assertEquals(setup.log.length, 2);
  assertMatch(setup.log.join("\n"), /signal=traces .* lost=3/);
});

Deno.test("Otlp: an endless answer is not read to its end", async () => {
  await using collector = new OtlpReceiver({
    answer: () =>
      new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)) }), { status: 400 }),
  });
  const setup = new OtlpSetup(collector, TRACES);
  runs(setup, 1);
  await setup.otlp.end(60_000);
  assertMatch(setup.log[0]!, /answered 400/);
});

Deno.test("Otlp: headers and credentials of the address are sent, and are in no line, also if the collector repeats them", async () => {
  await using collector = new OtlpReceiver({
    answer: ({ headers }) =>
      new Response(`not ${headers.get("authorization")} ${headers.get("x-key")}`, {
        status: 401,
        headers: { "content-type": "text/plain" },
      }),
  });
  const endpoint = collector.endpoint.replace("//", "//user:pass%20word@") + "/base/?token=tok-in-query";
  const setup = new OtlpSetup({ endpoint }, { OTEL_EXPORTER_OTLP_HEADERS: "x-key=key%20x7Kq2Zu9" });
  runs(setup, 1);
  await setup.otlp.end(5000);
  assertEquals(collector.requests.map(({ path }) => path).sort(), ["/base/v1/metrics", "/base/v1/traces"]);
  for (const { headers } of collector.requests) {
    assertEquals(headers.get("authorization"), `Basic ${btoa("user:pass word")}`);
    assertEquals(headers.get("x-key"), "key x7Kq2Zu9");
  }
  const said = setup.log.join("\n");
  assertMatch(said, /answered 401: not .*\*\*\*/);
  assertEquals(/x7Kq2Zu9|pass.?.?.?word|dXNlcj|tok-in/.test(said), false, said);
});

Deno.test("OTEL_EXPORTER_OTLP_CERTIFICATE is trusted, and needs to be there only once something is pushed", async () => {
  await using certificates = await Certificates.ofServer();
  const [cert, key] = await Promise.all(
    ["server.crt", "server.key"].map((name) => Deno.readTextFile(certificates.path(name))),
  );
  await using collector = new OtlpReceiver({ cert: cert!, key: key! });
  const endpoint = `https://localhost:${collector.port}`;
  const path = certificates.path("mounted-later.pem");
  const setup = new OtlpSetup({ endpoint }, { ...QUICK, OTEL_EXPORTER_OTLP_CERTIFICATE: path });
  runs(setup, 1);
  await waitFor("the line", () => setup.log.length > 0);
  assertMatch(setup.log[0]!, /error="OTEL_EXPORTER_OTLP_CERTIFICATE names .*mounted-later.pem/);
  await Deno.copyFile(certificates.path("ca.pem"), path);
  await setup.otlp.end(5000);
  assertEquals(collector.spans.length, 1);
});

Deno.test("OTEL_EXPORTER_OTLP_HEADERS_FILE is read again: a token in it is replaced while the agent runs", async () => {
  await using dir = await TempDir.make();
  await using collector = new OtlpReceiver();
  const path = await dir.write("headers", "authorization=Bearer tok-of-start");
  const setup = new OtlpSetup(collector, { ...QUICK, OTEL_EXPORTER_OTLP_HEADERS_FILE: path });
  const seen = () => collector.requests.at(-1)?.headers.get("authorization");
  const untilSent = (token: string) =>
    waitFor(`a request with ${token}`, () => {
      runs(setup, 1);
      return seen() === `Bearer ${token}`;
    });
  await untilSent("tok-of-start");
  await dir.write("headers", "authorization=Bearer tok-of-later");
  await untilSent("tok-of-later");
  await dir.write("headers", "\n");
  await waitFor("the line", () => {
    runs(setup, 1);
    return setup.log.find((line) =>
      line.includes("OTEL_EXPORTER_OTLP_HEADERS_FILE has changed and cannot be used")
    );
  });
  await setup.otlp.end(5000);
  assertEquals(seen(), "Bearer tok-of-later");
});

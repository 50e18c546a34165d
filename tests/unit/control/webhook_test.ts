import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { systemClock } from "../../../agent/lib/clock.ts";
import { secrets } from "../../../agent/text/redact.ts";
import { Webhook } from "../../../control/alerts/webhook.ts";
import { type Answer, closed, HttpService, RawService, send } from "../../support/http_service.ts";
import { TempDir } from "../../support/temp_dir.ts";

const TOKEN = "xoxT0kenOfTheWebhook9";
const PATH = `/services/T01ABCDEF/B02GHIJKL/${TOKEN}`;
const NEVER = new AbortController().signal;
const posting = { clock: systemClock, log: { warn() {} }, signal: NEVER };

async function withHook(
  answer: Answer,
  run: (hook: Webhook, service: HttpService) => Promise<void>,
): Promise<void> {
  await using service = new HttpService(answer);
  const hook = await Webhook.open(`http://127.0.0.1:${service.port}${PATH}`, {});
  try {
    await run(hook, service);
  } finally {
    await hook.close();
  }
}

/** What chats and services of all kinds answer if they have taken a request. */
const ACCEPTED: Record<string, () => Response> = {
  "text, as chats do": () => new Response("ok"),
  "JSON that is called HTML": () => new Response('{"ok":true}', { headers: { "content-type": "text/html" } }),
  "nothing": () => new Response(null, { status: 204 }),
  "202 with Retry-After": () => new Response("later", { status: 202, headers: { "retry-after": "soon" } }),
  "a body that does not end": () =>
    new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(10)) })),
};
for (const [what, answer] of Object.entries(ACCEPTED)) {
  Deno.test(`Webhook.post() takes a status of 2xx for an answer, with ${what}`, async () => {
    await withHook(answer, async (hook, service) => {
      await hook.post({ text: "hä?" }, posting);
      const [{ body, headers }] = service.requests as [typeof service.requests[0]];
      assertEquals(body, '{"text":"hä?"}');
      assertEquals(headers.get("content-type"), "application/json");
      assertMatch(headers.get("idempotency-key")!, /^[0-9a-f-]{36}$/);
    });
  });
}

const REFUSED: Record<string, [Answer, RegExp]> = {
  "404 that quotes the address": [
    ({ headers }) =>
      new Response(`no hook at ${headers.get("host")}${PATH}, token ${TOKEN}`, { status: 404 }),
    /^http:\/\/127\.0\.0\.1:\d+ answered 404: no hook at .*\*\*\*/,
  ],
  "500": [() => new Response("x".repeat(100_000), { status: 500 }), / answered 500: x+…$/],
  "429": [
    () => new Response("slow down", { status: 429, headers: { "retry-after": "120" } }),
    / answered 429: slow down/,
  ],
  "a redirect": [
    () =>
      new Response(null, { status: 302, headers: { location: "http://169.254.169.254/latest/meta-data" } }),
    /answered 302 and leads to .*: no redirect is followed, so set ON_DEAD_LETTER to the address that answers/,
  ],
};
for (const [what, [answer, message]] of Object.entries(REFUSED)) {
  Deno.test(`Webhook.post() rejects on ${what}, with one request and without the address`, async () => {
    await withHook(answer, async (hook, service) => {
      const error = await assertRejects(() => hook.post({}, posting), Error);
      assertMatch(error.message, message);
      assert(!/services|T01|xoxT0ken/.test(error.message), error.message);
      assertEquals(service.requests.length, 1);
      if (what === "429") assertEquals((error as { retryAfterMs?: number }).retryAfterMs, 120_000);
    });
  });
}

Deno.test("Webhook.post() rejects if nothing listens, without the address", async () => {
  const hook = await Webhook.open(`http://127.0.0.1:1${PATH}?key=${TOKEN}2`, {});
  const error = await assertRejects(
    () => hook.post({}, posting),
    Error,
    "http://127.0.0.1:1 cannot be reached",
  );
  assert(!/services|xoxT0ken/.test(error.message), error.message);
  await hook.close();
});

Deno.test("Webhook.post() rejects when the signal is aborted, with a service that never answers, or never ends its answer", async () => {
  for (const said of ["", "HTTP/1.1 500 no\r\ncontent-length: 100\r\n\r\nhalf"]) {
    const asked = Promise.withResolvers<void>();
    using service = new RawService(async (connection) => {
      await send(connection, said);
      asked.resolve();
      await closed(connection);
    });
    const hook = await Webhook.open(service.url, {});
    const ending = new AbortController();
    const posted = assertRejects(() => hook.post({}, { ...posting, signal: ending.signal }), Error);
    await asked.promise;
    ending.abort();
    assertMatch((await posted).message, /no answer came/);
    await hook.close();
  }
});

Deno.test("Webhook.post() signs with HTTP_SIGNING_SECRET_FILE, and sends no headers of the processor's service", async () => {
  await using dir = await TempDir.make();
  await using service = new HttpService(() => new Response("ok"));
  const httpSigningSecretFile = await dir.write("secret", "whsec_c2lnbmluZy1zZWNyZXQ=\n");
  const httpHeadersFile = await dir.write("headers", "Authorization: Bearer of-the-processor\n");
  const hook = await Webhook.open(service.url, { httpHeadersFile, httpSigningSecretFile });
  await hook.post({ text: "a" }, posting);
  const [{ body, headers }] = service.requests as [typeof service.requests[0]];
  assertEquals(headers.get("authorization"), null);
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const signature = createHmac("sha256", "signing-secret").update(signed).digest("base64");
  assertEquals(headers.get("webhook-signature"), `v1,${signature}`);
  await hook.close();
});

for (
  const [address, message] of [
    [`hooks.example.com${PATH}`, /^ON_DEAD_LETTER has a value, which is no address: write/],
    [`ftp://hooks.example.com${PATH}`, /which is no address/],
    [`https://hooks.example.com${PATH}#${TOKEN}`, /no server sees what follows the #/],
    [`https://hooks.example.com:0${PATH}`, /nothing listens on port 0/],
    [`https://user:%zz${TOKEN}@hooks.example.com/`, /write a % in the user or the password as %25/],
  ] as const
) {
  Deno.test(`Webhook.open() refuses ${address.replaceAll(TOKEN, "***")}, without its value`, async () => {
    const error = await assertRejects(() => Webhook.open(address, {}), Error);
    assertMatch(error.message, message);
    assert(!/services|T01|xoxT0ken/.test(error.message), error.message);
  });
}

Deno.test("Webhook.open() hides the address and the tokens in it, and no common word of its path", async () => {
  await (await Webhook.open(`https://hooks.example.com${PATH}?sig=${TOKEN}-of-the-query`, {})).close();
  const said = secrets.text(
    `POST https://hooks.example.com${PATH} failed: invalid_token ${TOKEN} of services, ${PATH}`,
  );
  assert(!/T01|xoxT0ken/.test(said), said);
  assertMatch(said, /of services/);
});

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BSON } from "mongodb";
import {
  answeredWith,
  batch,
  contextOf,
  type Failure,
  failureWith,
  json,
  opened,
} from "../../../../support/http_processor.ts";
import { HttpService } from "../../../../support/http_service.ts";

Deno.test("httpProcessor() posts the document with headers that name it, in ASCII", async () => {
  await using service = new HttpService(() => json({ set: { total: 3 } }));
  await using processor = await opened(service.url);
  const _id = `50 % "grün"`;
  const result = await processor.process(
    { _id, long: BSON.Long.fromString("9007199254740993") },
    contextOf(_id),
  );
  assertEquals(result, { set: { total: 3 } });
  const [{ body, headers }] = service.requests as [typeof service.requests[0]];
  assertEquals(body, `{"_id":"50 % \\"grün\\"","long":{"$numberLong":"9007199254740993"}}`);
  const named = [
    "content-type",
    "x-attempt",
    "x-snoozes",
    "ce-specversion",
    "ce-type",
    "ce-source",
    "ce-subject",
    "ce-id",
  ];
  assertEquals(named.map((name) => headers.get(name)), [
    "application/json",
    "2",
    "3",
    "1.0",
    "pulling-agent.document",
    "/shop/orders",
    "50%20%25%20%22gr%C3%BCn%22",
    "shop.orders:%2250%20%25%20\\%22gr%C3%BCn\\%22%22",
  ]);
  assertEquals(headers.get("idempotency-key"), `shop.orders:"50%20%25%20\\"gr%C3%BCn\\""`);
});

Deno.test("httpProcessor() replaces a key that is too long for a header by its digest", async () => {
  await using service = new HttpService(() => new Response());
  await using processor = await opened(service.url);
  await processor.process({ _id: "x".repeat(100_000) }, contextOf("x".repeat(100_000)));
  assertMatch(service.requests[0]!.headers.get("idempotency-key")!, /^sha256:[0-9a-f]{64}$/);
});

for (
  const [what, response] of [
    ["204", () => new Response(null, { status: 204 })],
    ["200 and nothing", () => new Response()],
    ["201 and null", () => json(null, { status: 201 })],
    ["200 and OK as text", () => new Response("OK")],
    ["200 and HTML", () => new Response("<p>done", { headers: { "content-type": "text/html" } })],
    [
      "202 and ok: true as JSON of a vendor",
      () =>
        new Response('{"ok":true}', { status: 202, headers: { "content-type": "application/vnd.x+json" } }),
    ],
  ] as const
) {
  Deno.test(`httpProcessor() takes ${what} as done`, async () => {
    assertEquals(await answeredWith(response), {});
  });
}

Deno.test("httpProcessor() reads JSON that has no content-type, and refuses JSON that calls itself text", async () => {
  const bytes = new TextEncoder().encode('{"set":{"a":1}}');
  assertEquals(await answeredWith(() => new Response(bytes)), { set: { a: 1 } });
  const error = await failureWith(() => new Response('{"set":{"a":1}}'));
  assertMatch(
    error.message,
    /looks like JSON with the content-type "text\/plain": send it as application\/json/,
  );
  assertEquals(error.permanent, true);
});

Deno.test("httpProcessor() passes on the failure that an answer of 2xx is, and refuses unknown fields", async () => {
  const failed = await failureWith(() => json({ message: "no stock", retryAfterMs: 60_000 }));
  assertEquals([failed.message, failed.retryAfterMs, failed.permanent], ["no stock", 60_000, false]);
  assertMatch(
    (await failureWith(() => json({ status: "done" }))).message,
    /it has "status", which means nothing/,
  );
});

/** A service is not done with what it has accepted. */
const laterBy = (after: string, body = '{"state":"running","id":7}') => () =>
  new Response(body, {
    status: 202,
    headers: {
      "retry-after": after,
      "content-type": "application/json",
      date: "Thu, 26 Nov 2026 02:00:00 GMT",
    },
  });

Deno.test("httpProcessor() puts a document off at 202 with Retry-After, in seconds or as a date, and all of a batch", async () => {
  assertEquals(await answeredWith(laterBy("5")), { snoozeMs: 5000 });
  assertEquals(await answeredWith(laterBy("Thu, 26 Nov 2026 02:00:30 GMT")), { snoozeMs: 30_000 });
  await using service = new HttpService(laterBy("5"));
  assertEquals(await batch(service.url, 3), Array(3).fill({ snoozeMs: 5000 }));
  const unread = await failureWith(laterBy("soon"));
  assertMatch(
    unread.message,
    /answered 202 with a Retry-After that is neither a number of seconds nor a date/,
  );
  assertEquals(unread.permanent, undefined);
});

Deno.test("httpProcessor() loses no result of a service that puts the document off in the same answer", async () => {
  for (const body of ['{"set":{"a":1}}', '[{},{"set":{"a":1}}]', ' {"set":{"a":12345678901234567890}}']) {
    const { message, permanent } = await failureWith(laterBy("5", body));
    assertMatch(
      message,
      /answered 202 with Retry-After, which puts the document off, and with "set", which is/,
    );
    assertEquals(permanent, true);
  }
  assertMatch(
    (await failureWith(laterBy("5", '{"writes":[]}'))).message,
    /and with "writes", which is written/,
  );
  for (const body of ["", "null", "[]", "set", '"set"', '{"set', "[null,3]", '{"job":{"set":{}}}']) {
    assertEquals(await answeredWith(laterBy("5", body)), { snoozeMs: 5000 });
  }
});

for (const status of [402, 408, 409, 411, 423, 425, 428, 451, 500, 501, 505, 599]) {
  Deno.test(`httpProcessor() leaves ${status} to a retry, and names the status and the answer`, async () => {
    const error = await failureWith(() => new Response("busy\n\x1b[31mnow", { status }));
    assertMatch(
      error.message,
      new RegExp(`^http://127.0.0.1:\\d+/orders answered ${status}: busy \\[31mnow$`),
    );
    assertEquals([error.permanent, error.retryAfterMs], [undefined, undefined]);
  });
}

for (const status of [304, 401, 403, 404, 405, 407, 410, 415, 421, 426, 429, 431, 502, 503, 504]) {
  Deno.test(`httpProcessor() takes ${status} for a failure of the service, whose retry waits longer`, async () => {
    const error = await failureWith(() => new Response(null, { status }));
    assertMatch(error.message, new RegExp(`answered ${status}$`));
    // Attempt 2 of a backoff of one second.
    assert(error.retryAfterMs! >= 4000 && error.retryAfterMs! <= 8000, String(error.retryAfterMs));
    assertEquals(error.permanent, undefined);
  });
}

for (const status of [400, 413, 422]) {
  Deno.test(`httpProcessor() takes ${status} as permanent`, async () => {
    const error = await failureWith(() => new Response(null, { status }));
    assertMatch(error.message, new RegExp(`answered ${status}$`));
    assertEquals(error.permanent, true);
  });
}

for (
  const [value, expected] of [
    ["7", 7000],
    ["0", 0],
    ["Thu, 26 Nov 2026 02:00:30 GMT", 30_000],
    ["Thursday, 26-Nov-26 02:00:30 GMT", 30_000],
    ["Thu, 26 Nov 2026 01:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`retryAfterMs() reads ${JSON.stringify(value)}, by the server's own clock`, async () => {
    const headers = { "retry-after": value, date: "Thu, 26 Nov 2026 02:00:00 GMT" };
    const error = await failureWith(() => new Response(null, { status: 500, headers }));
    assertEquals(error.retryAfterMs, expected);
    const ofService = await failureWith(() => new Response(null, { status: 503, headers }));
    assert(ofService.retryAfterMs! >= Math.max(4000, expected ?? 0));
  });
}

Deno.test("httpProcessor() follows no redirect, and names where it leads without secrets", async () => {
  await using other = new HttpService(() => new Response());
  const location = `http://user:pass@127.0.0.1:${other.port}/next?token=abc#x`;
  const error = await failureWith(() => new Response(null, { status: 307, headers: { location } }));
  assertMatch(
    error.message,
    new RegExp(`answered 307 and leads to http://127.0.0.1:${other.port}/next: no redirect`),
  );
  assertEquals(error.permanent, undefined);
  assertEquals(other.requests.length, 0);
});

Deno.test("processBatch of httpProcessor() posts an array, and gives each document its answer", async () => {
  await using service = new HttpService(() =>
    json([{ set: { a: 1 } }, { message: "late", permanent: true }, null])
  );
  const [first, second, third] = await batch(service.url, 3);
  assertEquals([first, third], [{ set: { a: 1 } }, {}]);
  assert(second instanceof Error);
  assertEquals([second.message, (second as Failure).permanent], ["late", true]);
  const [{ body, headers }] = service.requests as [typeof service.requests[0]];
  assertEquals(body, '[{"_id":0},{"_id":1},{"_id":2}]');
  const named = ["x-attempt", "x-snoozes", "ce-type"].map((name) => headers.get(name));
  assertEquals(named, ["3", "6", "pulling-agent.batch"]);
});

Deno.test("processBatch of httpProcessor() fails as a whole if there are too few or too many answers", async () => {
  for (const answers of [[null], [null, null, null]]) {
    await using service = new HttpService(() => json(answers));
    await assertRejects(
      () => batch(service.url, 2),
      Error,
      "must be an array with an entry for each of the 2 documents",
    );
  }
});

Deno.test("processBatch of httpProcessor() sends documents in halves that a status refuses together, and only those at fault fail", async () => {
  const sizes: number[] = [];
  await using service = new HttpService(({ body }) => {
    const ids = JSON.parse(body).map(({ _id }: { _id: number }) => _id);
    sizes.push(ids.length);
    if (ids.length > 3) return new Response("too large for this proxy", { status: 413 });
    if (ids.includes(2)) return new Response("no such order", { status: 422 });
    return json(ids.map((id: number) => ({ set: { id } })));
  });
  const answered = await batch(service.url, 5);
  assertEquals(answered.map((each) => each instanceof Error ? each.message.slice(-13) : each), [
    { set: { id: 0 } },
    { set: { id: 1 } },
    "no such order",
    { set: { id: 3 } },
    { set: { id: 4 } },
  ]);
  assertEquals((answered[2] as Failure).permanent, true);
  assertEquals(sizes, [5, 3, 2, 1, 2]);
});

Deno.test("processBatch of httpProcessor() fails for the half alone that the service cannot answer", async () => {
  await using service = new HttpService(({ body }) => {
    const documents = JSON.parse(body);
    if (documents.length === 4) return new Response(null, { status: 413 });
    return documents[0]._id === 0 ? json([null, null]) : new Response(null, { status: 500 });
  });
  const [first, second, third, fourth] = await batch(service.url, 4);
  assertEquals([first, second], [{}, {}]);
  assert(third instanceof Error && third === fourth && (third as Failure).permanent === undefined);
});

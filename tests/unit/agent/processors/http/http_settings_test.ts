import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { httpProcessor } from "../../../../../agent/processors/http/http_processor.ts";
import { contextOf, log, NAMES, opened, post } from "../../../../support/http_processor.ts";
import { HttpService } from "../../../../support/http_service.ts";
import { TempDir } from "../../../../support/temp_dir.ts";
import { waitFor } from "../../../../support/wait.ts";

Deno.test("httpProcessor() quotes 200 characters of an answer at most, without the secrets of its headers", async () => {
  await using dir = await TempDir.make();
  await dir.write("headers", "# of the shop\nAuthorization: Bearer t0ken-of-the-shop\r\n\nX-Shop: a: b\n");
  await using service = new HttpService(({ headers }) =>
    new Response(`${headers.get("authorization")} t0ken-of-the-shop ${"x".repeat(5000)}`, { status: 500 })
  );
  const error = await assertRejects(
    () => post(service.url, { httpHeadersFile: `${dir.path}/headers` }),
    Error,
  );
  assertEquals(service.requests[0]!.headers.get("authorization"), "Bearer t0ken-of-the-shop");
  assertEquals(service.requests[0]!.headers.get("x-shop"), "a: b");
  assertMatch(error.message, /answered 500: \*\*\* \*\*\* x+…$/);
  assert(error.message.replace(/^.*?500: /, "").length <= 200, error.message);
});

Deno.test("httpProcessor() sends the credentials of its address as a header, and names neither them nor the query", async () => {
  await using service = new HttpService(() => new Response(null, { status: 500 }));
  const url = `http://shop:s%40lesman@127.0.0.1:${service.port}/orders?key=k3y-of-the-shop`;
  const error = await assertRejects(() => post(url), Error);
  assertEquals(error.message, `http://127.0.0.1:${service.port}/orders answered 500`);
  assertEquals(service.requests[0]!.headers.get("authorization"), `Basic ${btoa("shop:s@lesman")}`);
});

Deno.test("httpProcessor() reads the file of headers again when it has changed, and keeps the old ones if it cannot", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("headers", "X-Key: first-key");
  await using service = new HttpService(() => new Response());
  await using processor = await opened(service.url, { httpHeadersFile: path });
  const keyNow = async () => {
    await processor.process({ _id: 1 }, contextOf(1));
    return service.requests.at(-1)!.headers.get("x-key");
  };
  assertEquals(await keyNow(), "first-key");
  await dir.write("headers", "X-Key: second-key");
  await waitFor("the new headers", async () => await keyNow() === "second-key");
  const warnings: string[] = [];
  await dir.write("headers", "no header");
  await waitFor("the warning", async () => {
    const warning = { ...log, warn: (message: string) => void warnings.push(message) };
    await processor.process({ _id: 1 }, { ...contextOf(1), log: warning });
    return warnings[0];
  });
  assertMatch(warnings[0]!, /HTTP_HEADERS_FILE has changed and cannot be used/);
  assertEquals(service.requests.at(-1)!.headers.get("x-key"), "second-key");
});

Deno.test("httpProcessor() signs as Standard Webhooks does, with each of the secrets", async () => {
  await using dir = await TempDir.make();
  const key = new TextEncoder().encode("a key of twenty four bytes");
  const path = await dir.write("secrets", `whsec_${key.toBase64()}\nplain-secret\n`);
  await using service = new HttpService(() => new Response());
  await post(service.url, { httpSigningSecretFile: path });
  const { body, headers } = service.requests[0]!;
  const [id, at] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
  assertEquals(id, headers.get("idempotency-key"));
  assertMatch(at!, /^\d{10}$/);
  const signed = [key, "plain-secret"].map((each) =>
    `v1,${createHmac("sha256", each).update(`${id}.${at}.${body}`).digest("base64")}`
  );
  assertEquals(headers.get("webhook-signature"), signed.join(" "));
});

for (
  const [variable, content, message] of [
    [
      "httpHeadersFile",
      "",
      /HTTP_HEADERS_FILE names ".*", which cannot be used: it has no headers: write a header/,
    ],
    ["httpHeadersFile", "Authorization secret-token", /it has no header on line 1/],
    [
      "httpHeadersFile",
      "A: b\nHost: x",
      /it has Host on line 2, which the agent writes itself: leave it out/,
    ],
    ["httpHeadersFile", "webhook-id: x", /it has webhook-id on line 1/],
    ["httpHeadersFile", "A: grün", /it has characters on line 1 that are not ASCII/],
    ["httpSigningSecretFile", "\n", /HTTP_SIGNING_SECRET_FILE names ".*", which cannot be used: it is empty/],
    ["httpSigningSecretFile", "whsec_!secret!", /it has a secret that is not base64 after whsec_/],
    ["httpSigningSecretFile", "whsec_", /it has an empty secret/],
    [
      "httpCaFile",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      /it holds a certificate that cannot be read: copy it anew$/,
    ],
    ["httpCaFile", "x", /HTTP_CA_FILE names ".*", which cannot be used: it holds no certificate as PEM/],
  ] as const
) {
  Deno.test(`httpProcessor() refuses ${variable} with ${JSON.stringify(content)}, without its value`, async () => {
    await using dir = await TempDir.make();
    const path = await dir.write("file", content);
    const error = await assertRejects(
      () => httpProcessor("http://127.0.0.1:1", { ...NAMES, [variable]: path }),
      Error,
    );
    assertMatch(error.message, message);
    assert(!/secret-token|!secret!/.test(error.message), error.message);
  });
}

for (
  const [address, message] of [
    ["http://", /which is no address: write http:\/\/HOST:PORT\/PATH/],
    ["http:///path", /which is no address/],
    ["http:x", /which is no address/],
    ["https://exa mple.com", /which is no address/],
    ["http://host:99999/", /which is no address/],
    ["http://host:0/", /nothing listens on port 0/],
    ["http://host/a#b", /no server sees what follows the #/],
    ["http://user:p%zz-secret@host/", /write a % in the user or the password as %25/],
    ["http:u:p-zz-secret@host:x/", /which is no address/],
    ["http://host:0/?key=k-zz-secret", /nothing listens on port 0/],
    ["http://host/?key=k-zz-secret#b", /no server sees what follows the #/],
    ["http:host/?a=1&k-zz-secret", /which is no address/],
  ] as const
) {
  Deno.test(`Endpoint.parse() refuses ${address}`, async () => {
    const error = await assertRejects(() => httpProcessor(address, NAMES), Error);
    assertMatch(error.message, message);
    assert(!error.message.includes("zz-secret"), error.message);
  });
}

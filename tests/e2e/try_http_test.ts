import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { HttpService } from "../support/http_service.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("try posts documents to a service, and tells what its answers mean", async () => {
  await using service = new HttpService(({ body }) => {
    const { _id } = JSON.parse(body);
    if (_id === 2) return new Response("busy", { status: 503, headers: { "retry-after": "30" } });
    if (_id === 3) return new Response("no such order", { status: 422 });
    return new Response(`{"set":{"long":9007199254740993}}`, {
      headers: { "content-type": "application/json" },
    });
  });
  await using home = await agentHome({ env: { PROCESSOR: service.url } });
  const file = await home.write("three.json", '{"_id":1}\n{"_id":2}\n{"_id":3}\n');
  const { code, stdout, stderr } = await home.run("try", "--json", "--file", file);
  const found = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals([code, stderr], [1, ""]);
  assertEquals(found.map(({ outcome, set, error, retry_in_ms }) => [outcome, set, error, retry_in_ms]), [
    ["processed", { long: { $numberLong: "9007199254740993" } }, undefined, undefined],
    ["retry", undefined, `${service.url} answered 503: busy`, 30_000],
    ["dead_letter", undefined, `${service.url} answered 422: no such order`, undefined],
  ]);
  assertEquals(service.requests[0]!.headers.get("idempotency-key"), 'test.documents:{"$numberInt":"1"}');
});

Deno.test("try ends at a signal while a service does not answer", async () => {
  // Its server can end only once each request has an answer.
  await using service = new HttpService((_, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())))
  );
  await using home = await agentHome({ env: { PROCESSOR: service.url } });
  const file = await home.write("one.json", '{"_id":1}');
  const command = await home.start({ args: ["try", "--file", file] });
  await waitFor("the request", () => service.requests.length === 1);
  command.signal("SIGTERM");
  assertEquals((await command.exit()).code, 143);
});

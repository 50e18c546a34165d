import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { probeDashboard } from "../../../../control/dashboard/dashboard_probe.ts";

/** What a probe says of a program that does something with its connection once it was asked; without its port. */
async function answerOf(answer: (connection: Socket) => void) {
  const server = createServer((connection) => connection.once("data", () => answer(connection)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const { isYes, text } = await probeDashboard({ hostname: "127.0.0.1", port, isLoopback: true }, "/");
  await once(server.close(), "close");
  return { isYes, text: text.replaceAll(`:${port}`, "") };
}

Deno.test("probeDashboard says no in one sentence if the connection is reset, or ends without an answer", async () => {
  assertEquals(await answerOf((connection) => connection.resetAndDestroy()), {
    isYes: false,
    text: "dashboard: no, 127.0.0.1 cannot be asked (Connection reset by peer (os error 104))",
  });
  assertEquals(await answerOf((connection) => connection.end()), {
    isYes: false,
    text:
      "dashboard: no, http://127.0.0.1/ answers without a status: give --probe the --listen and --base of the dashboard",
  });
});

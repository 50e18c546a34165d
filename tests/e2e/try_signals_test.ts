import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test(`try ends at ${signal} with status ${code}, and aborts the processor`, async () => {
    const module = `export default async (_, { signal }) => {
      signal.addEventListener("abort", () => mark("aborted by " + signal.reason.name));
      mark("hangs");
      await new Promise(() => {});
    };`;
    await using home = await agentHome({ module });
    const file = await home.write("one.json", '[{"_id":1},{"_id":2}]');
    const command = await home.start({ args: ["try", "--file", file] });
    await home.untilMarked("hangs");
    command.signal(signal);
    assertEquals((await command.exit()).code, code);
    assertEquals((await home.marks()).map(({ text }) => text), ["hangs", "aborted by ForcedStopError"]);
  });
}

Deno.test("try ends at a signal while it waits for a reader of its results", async () => {
  const module = `export default ({ _id }) => {
    mark(String(_id));
    return { set: { text: "x".repeat(200_000) } };
  };`;
  await using home = await agentHome({ module });
  const file = await home.write("three.json", '[{"_id":1},{"_id":2},{"_id":3}]');
  const command = await home.start({
    args: ["try", "--json", "--file", file],
    // It holds both ends of the pipe itself.
    wrapper: ["sh", "-c", 'mkfifo "$0"; exec 3<>"$0"; exec "$@" >&3', `${home.dir}/pipe`],
  });
  // The first result is in the pipe, or waits to be; the second one is waited for.
  await home.untilMarked("2");
  command.signal("SIGTERM");
  assertEquals((await command.exit()).code, 143);
  assertEquals((await home.marks()).map(({ text }) => text), ["1", "2"]);
});

import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";

Deno.test("run without free file descriptors says so, and blames neither the health directory nor MongoDB", async () => {
  await using db = await testDatabase("open files");
  let named = 0;
  await Promise.all([15, 16, 17, 18, 19, 20, 21].map(async (limit) => {
    await using home = await agentHome({ db, module: "export default () => {};" });
    const wrapper = ["timeout", "4", "sh", "-c", `ulimit -n ${limit}; exec "$0" "$@"`];
    const { stdout, stderr } = await home.runWith({ wrapper, args: ["run"] });
    const output = stdout + stderr;
    if (output.includes("this process has too many open files: raise its limit (ulimit -n)")) named += 1;
    assert(!/mount a writable volume|Nothing listens/.test(output), `with a limit of ${limit}: ${output}`);
  }));
  assertEquals(named > 0, true, "one of the limits is too low for a health directory");
});

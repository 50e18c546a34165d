import { assertEquals } from "@std/assert";
import { COMMANDS } from "../fuzz/faults.ts";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

const PASSWORD = "known-to-all";

const MODULE = `
export default ({ plan }, { attempt }) => {
  if (plan === "write") return { writes: [{ collection: "effects", insertOne: {} }] };
  if (plan === "set") return { set: { result: 1 } };
  if (plan === "fail once" && attempt === 1) throw new Error("not yet");
  if (plan === "fail for good") throw Object.assign(new Error("for good"), { permanent: true });
};`;

Deno.test("COMMANDS of the fuzzer holds every command that the executable sends", async () => {
  await using database = await testDatabase("fuzz commands");
  await using proxy = new TcpProxy(database.uri);
  const user = `commands_${crypto.randomUUID().slice(0, 8)}`;
  await database.db.command({ createUser: user, pwd: PASSWORD, roles: ["dbOwner"] });
  const uri = new URL(proxy.uri);
  const documents = database.db.collection("documents");
  const plans = ["succeed", "set", "write", "fail once", "fail for good", "fail for good"];
  await documents.insertMany(plans.map((plan) => ({ plan, status: "pending" })));
  await using home = await agentHome({
    db: {
      uri: `mongodb://${user}:${PASSWORD}@${uri.host}/?directConnection=true&authSource=${database.name}`,
      name: database.name,
    },
    module: MODULE,
  });
  const commands = await proxy.record(async () => {
    const agent = await home.startReady();
    await waitFor(
      "all to be settled",
      async () =>
        await documents.countDocuments({ status: { $in: ["processed", "failed"] } }) === plans.length,
    );
    agent.signal("SIGTERM");
    await agent.exit();
    for (const args of [["list"], ["redrive", "--all", "--limit", "1"], ["purge", "--all"]]) {
      assertEquals((await home.run("dead-letters", ...args)).code, 0, args[0]);
    }
    assertEquals((await home.run("run", "--until-empty")).code, 0);
  });
  const sent = new Set(commands.map(({ command }) => command));
  assertEquals([...sent].filter((command) => !(COMMANDS as readonly string[]).includes(command)), []);
  // Or nothing was recorded. (The first of the two commands of a login goes with the first hello.)
  for (
    const command of [
      "insert",
      "commitTransaction",
      "find",
      "update",
      "delete",
      "saslContinue",
      "getMore",
      "hello",
    ]
  ) {
    assertEquals(sent.has(command), true, command);
  }
});

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { mongosh } from "../support/mongosh.ts";

/** Settings that nothing is wrong with; those of tests have short leases. */
const SOUND = { LEASE_DURATION: "60", AGENT_NAME: "patient" };

/** What the server has written to the database of a test, by its log of writes. */
async function written({ client, name }: TestDatabase): Promise<number> {
  return await client.db("local").collection("oplog.rs").countDocuments({ ns: { $regex: `^${name}[.]` } });
}

async function json(home: AgentHome, env: Record<string, string> = {}) {
  const { code, stderr, stdout } = await home.runWith({ args: ["doctor", "--json"], env });
  return { code, stderr, ...JSON.parse(stdout) };
}

Deno.test("doctor tells what it has looked at, mends a missing index by what it prints, and writes nothing to the database", async () => {
  await using db = await testDatabase("doctor");
  await insertPending(db, [1, 2]);
  await using home = await agentHome({ db, module: "export default () => {};", env: SOUND });
  const before = await written(db);
  const told = await home.runWith({ args: ["doctor"], env: { ENSURE_INDEXES: "false" } });
  assertEquals([told.code, told.stderr], [0, ""], told.stdout);
  assertMatch(
    told.stdout,
    /^Looked at doctor_\w+\.documents in the replica set rs0 at 127\.0\.0\.1:\d+, MongoDB \d/,
  );
  assertMatch(
    told.stdout,
    /^Will hurt:\n- .* has no index that claims can go by on .*\. \[index_missing\]$/m,
  );
  assertMatch(told.stdout, /^ {2}rights +what the user may do/m);
  assertMatch(
    told.stdout,
    /^Not looked at:\n {2}pod +a pod cannot tell its own: give its manifest with --pod FILE$/m,
  );
  assert(told.stdout.endsWith("\n\nThe agent can work.\n"), told.stdout);
  assertEquals(await written(db), before);

  const mends = [...told.stdout.matchAll(/^ {2}In mongosh: (.*)$/gm)].map(([, command]) => command!);
  assertEquals(mends.length, 2);
  for (const command of mends) await mongosh(db.client, command);
  const mended = await json(home, { ENSURE_INDEXES: "false" });
  assertEquals([mended.code, mended.can_work, mended.findings], [0, true, []]);
  assert((await home.run("doctor")).stdout.endsWith("\nNothing is wrong: the agent can work.\n"));

  assertEquals((await json(home, { PROCESSOR: "exec:cat" })).findings, []);

  const agent = await home.startReady();
  assertEquals((await json(home)).findings, []);
  const other = await json(home, { AGENT_NAME: "another" });
  assertEquals([other.code, other.findings[0].is], [1, "health_dir_used"]);
  assert(await home.probe("readiness"));
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 2);
});

Deno.test("doctor goes on if the processor cannot be loaded or MongoDB is out of reach, and tells both without a secret", async () => {
  await using db = await testDatabase("doctor");
  await using home = await agentHome({ db, env: SOUND });
  const broken = await json(home, { PROCESSOR: `module:${home.dir}/none.js` });
  assertEquals([broken.code, broken.can_work, broken.findings[0].is, broken.findings[0].level], [
    1,
    false,
    "processor",
    "stops",
  ]);
  assert(broken.fine.includes("rights"));

  const MONGODB_URI = "mongodb://me:s3cr3t-Passw0rd@127.0.0.1:1/?readPreference=nearest";
  const away = await home.runWith({
    args: ["doctor"],
    env: { MONGODB_URI, PROCESSOR: `module:${home.dir}/none.js`, SHUTDOWN_TIMEOUT: "0" },
  });
  assertEquals([away.code, away.stderr], [1, ""]);
  assertMatch(
    away.stdout,
    /^Stops the agent:\n- .*none\.js.* \[processor\]\n(.*\n)*- .*127\.0\.0\.1:1.* \[out_of_reach\]$/m,
  );
  assertMatch(away.stdout, /^ {2}indexes +MongoDB is out of reach$/m);
  assertMatch(away.stdout, /readPreference=nearest/);
  assertFalse(away.stdout.includes("s3cr3t"), away.stdout);
});

Deno.test("doctor reads the pod from standard input, and explains itself", async () => {
  await using db = await testDatabase("doctor");
  await using home = await agentHome({ db, env: { ...SOUND, SHUTDOWN_TIMEOUT: "40" } });
  const containers = [{ name: "agent", image: "registry.example.com/pulling-agent:1" }];
  const pod = {
    kind: "Deployment",
    metadata: { name: "pulling-agent", namespace: "shop" },
    spec: { template: { spec: { containers } } },
  };
  await home.write("pod.json", JSON.stringify({ kind: "List", items: [pod] }));
  const wrapper = ["sh", "-c", 'exec "$@" <"$0"', `${home.dir}/pod.json`];
  const { code, stdout } = await home.runWith({ args: ["doctor", "--pod", "-"], wrapper });
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    "- The grace period of deployment/pulling-agent is 30 s: SHUTDOWN_TIMEOUT (40 s) needs more than 45 s. [grace_period]\n" +
      "  In a shell: kubectl patch deployment/pulling-agent --namespace shop --patch " +
      `'{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":50}}}}'\n`,
  );
  for (
    const [args, says] of [
      [["doctor", "now"], 'doctor takes no argument "now"'],
      [["diag"], "did you mean doctor?"],
      [["doctor", "--pod", `${home.dir}/none.json`], "there is no such file"],
    ] as const
  ) {
    const { code, stderr } = await home.run(...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
  }
  for (const content of ["apiVersion: apps/v1\nkind: Deployment\n", '{"kind":"Service","spec":{}}', "[]"]) {
    const path = await home.write("other", content);
    const { code, stderr } = await home.run("doctor", "--pod", path);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "give what kubectl get deployment/NAME -o json prints");
  }
  assertEquals((await home.runWith({ args: ["doctor"], env: { MONGODB_URI: "" } })).code, 2);
  assertMatch(
    (await home.run("doctor", "--help")).stdout,
    /^Usage: pulling-agent doctor \[--pod FILE\] \[--json\]\n/,
  );
});

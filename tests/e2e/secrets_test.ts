import { assert, assertEquals, assertFalse } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase, testUri } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const PASSWORD = "s3cr3t-Passw0rd";
/** The same, as it has to be written with special characters. */
const ODD_PASSWORD = { plain: "p@ss:w/rd%?#", encoded: "p%40ss%3Aw%2Frd%25%3F%23" };

const BAD_URIS = [
  `mongodb://someone:${PASSWORD}@`,
  `mongodb://someone:${PASSWORD}@/`,
  `mongodb://someone:${PASSWORD}@host:99999999/`,
  `mongodb://someone:${PASSWORD}@host/?replicaSet`,
  `mongodb://someone:${PASSWORD}@host/?w=majority&w=1&wibble=${PASSWORD}`,
  `mongodb://someone:${PASSWORD}@@host@other/`,
  `mongodb://some one:${PASSWORD}@host/`,
  `mongodb://someone:${PASSWORD}:x/y@host/`,
  `mongodb://someone:%${PASSWORD}@host/`,
  `mongodb+srv://someone:${PASSWORD}@host:27017/`,
  `mongodb+srv://someone:${PASSWORD}@localhost/`,
  `http://someone:${PASSWORD}@host/`,
  `someone:${PASSWORD}@host`,
  `mongodb://someone@host/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:${PASSWORD}&x=1`,
  `mongodb://someone:${PASSWORD}@host/?tls=true&tlsCAFile=/nowhere/ca.pem`,
  `mongodb://host/?tls=true&tlsCertificateKeyFilePassword=${PASSWORD}&tlsCertificateKeyFile=/nowhere`,
];

for (const uri of BAD_URIS) {
  Deno.test(`Secrets: the password in ${uri.replaceAll(PASSWORD, "***")} is never shown, however the agent fails`, async () => {
    await using home = await agentHome({
      db: { uri, name: "nowhere" },
      env: { LOG_LEVEL: "DEBUG", BATCH_SIZE: "x" },
    });
    const fromFile = { MONGODB_URI: undefined, MONGODB_URI_FILE: await home.write("uri", uri) };
    const [byVariable, byFile] = await Promise.all([
      home.run("run"),
      home.runWith({ args: ["check"], env: fromFile }),
    ]);
    for (const { code, stdout, stderr } of [byVariable, byFile]) {
      assertEquals(code, 2, "BATCH_SIZE is wrong as well");
      assertFalse((stdout + stderr).includes(PASSWORD), stdout + stderr);
    }
  });
}

/** What an agent has told the world: its log, its errors, its health files. */
async function everythingSaid(
  home: { healthDir: string; run(...args: string[]): Promise<{ stdout: string; stderr: string }> },
) {
  const said: string[] = [];
  for await (const { name, isFile } of Deno.readDir(home.healthDir)) {
    if (isFile) said.push(await Deno.readTextFile(`${home.healthDir}/${name}`).catch(() => ""));
  }
  for (const args of [["status"], ["status", "--json"], ["check"]]) {
    const { stdout, stderr } = await home.run(...args);
    said.push(stdout, stderr);
  }
  return said.join("\n");
}

const host = (uri: string) => new URL(uri.replace("mongodb:", "http:")).host;

/** Connection strings that look right and do not work, and what the log says of each. */
const FAILING: Record<string, () => string> = {
  "a wrong password": () => `mongodb://someone:${PASSWORD}@${host(testUri())}/?directConnection=true`,
  "a wrong password with special characters": () =>
    `mongodb://someone:${ODD_PASSWORD.encoded}@${host(testUri())}/?directConnection=true`,
  "a server that cannot be reached": () => `mongodb://someone:${PASSWORD}@127.0.0.1:1/`,
  "a host that does not exist": () => `mongodb://someone:${PASSWORD}@no-such-host.invalid/`,
};

/** All output of an agent with this connection string. */
async function saidWhileFailing(uri: string): Promise<string> {
  await using home = await agentHome({ db: { uri, name: "nowhere" }, env: { LOG_LEVEL: "DEBUG" } });
  const agent = await home.start();
  await agent.log("Cannot claim");
  await agent.untilStatus("the failure to be shown", (status) => status.last_error !== undefined);
  const said = await everythingSaid(home);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  return said + agent.output;
}

Deno.test("Secrets: however connecting fails, no output shows the credentials, at LOG_LEVEL=DEBUG", async () => {
  // Together, as most of it is waiting for the driver to give up.
  await Promise.all(
    Object.entries(FAILING).map(async ([what, uriOf]) => {
      const said = await saidWhileFailing(uriOf());
      for (const secret of [PASSWORD, ...Object.values(ODD_PASSWORD), "someone:"]) {
        assertFalse(said.includes(secret), `${what}: ${said}`);
      }
    }),
  );
});

Deno.test("Secrets: a processor that logs or throws the connection string does not give the password away", async () => {
  await using db = await testDatabase("leaky module");
  const documents = await insertPending(db, [1]);
  const uri = `mongodb://someone:${ODD_PASSWORD.encoded}@127.0.0.1/`;
  await using home = await agentHome({
    db: { uri: db.uri, name: db.name },
    module: `const other = ${JSON.stringify(uri)};
      export default (_, { log }) => {
        log.info("connecting to " + other, { other, nested: { other } });
        throw Object.assign(new Error("cannot connect to " + other), { permanent: true });
      };`,
    env: { LOG_LEVEL: "DEBUG" },
  });
  const agent = await home.startReady();
  const line = await agent.log("connecting to");
  await agent.log("dead letter");
  await waitFor("the dead letter", async () => await documents.countDocuments({ status: "failed" }) === 1);
  await agent.untilStatus("the letter to be counted", ({ counters }) => counters.dead_lettered === 1);
  const said = await everythingSaid(home) + agent.output;
  for (const secret of Object.values(ODD_PASSWORD)) assertFalse(said.includes(secret), said);
  assert(line.message.includes("mongodb://***@127.0.0.1/"), "what is not secret stays");
});

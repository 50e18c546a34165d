import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { Guarded } from "../support/guarded.ts";
import { testUri } from "../support/mongod.ts";

const PASSWORD = "s3cr3t-Passw0rd";
const replica = () => new URL(testUri().replace("mongodb:", "http:")).host;

/** Connection strings that lead nowhere, and what the agent says of each. */
const CAUSES: Record<string, { uri(): string; says: string }> = {
  "a closed port": {
    uri: () => "mongodb://127.0.0.1:1/",
    says: "Nothing listens at 127.0.0.1:1 (connection refused): check host and port in MONGODB_URI",
  },
  "an unknown host": {
    uri: () => "mongodb://no-such-host.invalid/",
    says: "There is no host no-such-host.invalid: check its name in MONGODB_URI",
  },
  "a set of another name": {
    uri: () => `mongodb://${replica()}/?replicaSet=nope`,
    says: 'is a member of the set "rs0", and MONGODB_URI asks for replicaSet=nope: correct the name',
  },
  "TLS against a server without it": {
    uri: () => `mongodb://${replica()}/?tls=true&directConnection=true`,
    says: `${"does not answer in TLS"}: it may be a server without it (then remove tls=true)`,
  },
  "a wrong password": {
    uri: () => `mongodb://someone:${PASSWORD}@${replica()}/?replicaSet=rs0`,
    says: "refuses the user or the password in MONGODB_URI: check both, and authSource",
  },
};

async function says(uri: string, expected: string, what: string): Promise<void> {
  await using home = await agentHome({ db: { uri, name: "nowhere" } });
  const agent = await home.start();
  const { error } = await agent.log("Cannot claim");
  assertStringIncludes(String(error), expected, what);
  await agent.untilStatus(
    `${what} in the status`,
    (status) => status.last_error?.message.includes(expected) === true && !status.connected,
  );
  const { code, stderr } = await home.run("dead-letters", "list");
  assertEquals(code, 1);
  assertStringIncludes(stderr, expected, what);
  assertFalse(/Topology is closed|this is a bug/.test(agent.output + stderr), agent.output);
  assertFalse((agent.output + stderr).includes(PASSWORD));
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
}

Deno.test("run, status and dead-letters say why MongoDB cannot be reached, for each cause in its own words", async () => {
  // Together, as most of it is waiting for the driver to give up.
  await Promise.all(Object.entries(CAUSES).map(([what, { uri, says: text }]) => says(uri(), text, what)));
});

Deno.test("run reports once that MongoDB refuses a wrong password, and never that MongoDB is in reach", async () => {
  const uri = `mongodb://someone:${PASSWORD}@${replica()}/?replicaSet=rs0`;
  await using home = await agentHome({
    db: { uri, name: "nowhere" },
    env: { LOG_LEVEL: "DEBUG", PROCESSOR: "log" },
  });
  const agent = await home.start();
  const first = await agent.log("Cannot claim");
  let last = first;
  // At DEBUG each repetition is a line.
  for (let failures = 0; failures < 4; failures++) last = await agent.log("Cannot claim", { after: last });
  const said = agent.entries.filter(({ level }) => level === "WARNING");
  assertEquals(said.map(({ message }) => message), ["Cannot claim documents"], agent.output);
  assertFalse(agent.hasLogged("in reach") || agent.hasLogged("out of reach"), agent.output);
  assert(!await home.probe("readiness"));
  assertEquals(last.error, first.error);
});

Deno.test("run without credentials says once that MongoDB asks for them, and never that MongoDB is in reach", async () => {
  await using guarded = await Guarded.start();
  const uri = `mongodb://127.0.0.1:${guarded.server.port}/?replicaSet=rs0`;
  await says(
    uri,
    "asks for a user and a password, and MONGODB_URI holds none: write USER:PASSWORD@",
    "no user",
  );
  await using home = await agentHome({
    db: { uri, name: "shop" },
    env: { LOG_LEVEL: "DEBUG", PROCESSOR: "log" },
  });
  const agent = await home.start();
  let last = await agent.log("Cannot claim");
  for (let failures = 0; failures < 4; failures++) last = await agent.log("Cannot claim", { after: last });
  const said = agent.entries.filter(({ level }) => level === "WARNING");
  assertEquals(said.map(({ message }) => message), ["Cannot claim documents"], agent.output);
  assertFalse(agent.hasLogged("in reach") || agent.hasLogged("out of reach"), agent.output);
});

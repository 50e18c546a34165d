import { assert, assertEquals, assertFalse } from "@std/assert";
import { MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { Certificates } from "../support/certificates.ts";
import { Guarded } from "../support/guarded.ts";
import { mountSecret } from "../support/mounted_secret.ts";
import { DOCUMENTS, TestDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** A connection string as a mounted secret has it. */
async function mount(home: AgentHome, version: string, uri: string): Promise<void> {
  await mountSecret(`${home.dir}/secret`, version, { uri });
}

/** Handlers of documents that are to be held end once there is a file of their name. */
const MODULE = `
  export default async ({ _id }) => {
    mark("started " + _id);
    while (String(_id).startsWith("held")) {
      if (await Deno.stat(Deno.env.get("MARKS") + "-" + _id).then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };`;

const release = (home: AgentHome, id: string) => Deno.writeTextFile(`${home.marksFile}-${id}`, "");

Deno.test("MONGODB_URI_FILE that changes is followed without a restart, and what is in flight is acked", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-one");
  await using home = await agentHome({ module: MODULE });
  await mount(home, "v1", guarded.uri("password-one"));
  const env = {
    MONGODB_URI_FILE: `${home.dir}/secret/uri`,
    MONGODB_DATABASE: "shop",
    MONGODB_COLLECTION: "documents",
    LEASE_DURATION: "60",
  };
  const agent = await home.startReady({ env });

  // A mounted secret: the link is swapped. The password changes first, as connections that stand are left alone.
  await guarded.insert("held-1");
  await home.untilMarked("started held-1");
  await guarded.changePassword("password-two");
  await mount(home, "v2", guarded.uri("password-two"));
  let renewed = await agent.log("Connected to MongoDB anew");
  await release(home, "held-1");
  await guarded.untilProcessed("held-1");

  // A file that is replaced, before the user that it names is there; the earlier one is gone meanwhile.
  await guarded.insert("held-2");
  await home.untilMarked("started held-2");
  await guarded.dropUser();
  await agent.log("MongoDB is out of reach", { after: renewed });
  assertFalse(await home.probe("readiness"));
  await home.write("secret/v2/uri.new", guarded.uri("password-three"));
  await Deno.rename(`${home.dir}/secret/v2/uri.new`, `${home.dir}/secret/v2/uri`);
  await guarded.makeUser("password-three");
  renewed = await agent.log("Connected to MongoDB anew", { after: renewed });
  await release(home, "held-2");
  await guarded.untilProcessed("held-2");
  await agent.untilReady();

  // A user that is made anew with the same password: connections that stand stay shut out.
  await guarded.dropUser();
  await agent.log("MongoDB is out of reach", { after: renewed });
  await guarded.makeUser("password-three");
  await guarded.insert("last");
  await guarded.untilProcessed("last");
  await agent.untilReady();

  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertFalse(/password-(one|two|three)/.test(agent.output), agent.output);
});

Deno.test("MONGODB_URI_FILE that names a wrong password keeps the working connection, and that is reported once", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-one");
  await using home = await agentHome({ module: MODULE });
  const file = await home.write("uri", guarded.uri("password-one"));
  const env = { MONGODB_URI_FILE: file, MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "documents" };
  const agent = await home.startReady({ env });
  const wrong = "The connection string or its certificates have changed and cannot be used";
  await Deno.writeTextFile(file, guarded.uri("password-wrong"));
  const refused = await agent.log(wrong);
  await guarded.insert("meanwhile");
  await guarded.untilProcessed("meanwhile");
  await Deno.writeTextFile(file, "mongodb://agent:password-wrong@another.example/");
  const moved = await agent.log(wrong, { after: refused });
  assertEquals(moved.error, "It names other servers: restart the agent to move it there");
  await Deno.writeTextFile(file, `${guarded.uri("password-one")}&appName=other`);
  await agent.log("Connected to MongoDB anew");
  await guarded.insert("last");
  await guarded.untilProcessed("last");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertFalse(/password-(one|wrong)/.test(agent.output), agent.output);
  assertFalse(agent.hasLogged("out of reach"), agent.output);
});

Deno.test("MONGODB_URI_FILE is read again while the agent has never been let in", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-one");
  await using home = await agentHome({ module: MODULE });
  const file = await home.write("uri", guarded.uri("password-wrong"));
  const env = { MONGODB_URI_FILE: file, MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "documents" };
  const agent = await home.start({ env });
  await agent.log("Cannot claim");
  await Deno.writeTextFile(file, guarded.uri("password-one"));
  await agent.untilReady();
  await guarded.insert("first");
  await guarded.untilProcessed("first");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Certificates that are replaced are followed without a restart, and without MONGODB_URI_FILE", async () => {
  await using before = await Certificates.make();
  await using after = await Certificates.make();
  await using home = await agentHome({ module: MODULE });
  // What server and agent use, each in its own place, as a mounted secret has them.
  const use = async (from: Certificates, names: string[], prefix: string) => {
    for (const name of names) {
      await Deno.copyFile(from.path(name), `${home.dir}/${prefix}${name}.new`);
      await Deno.rename(`${home.dir}/${prefix}${name}.new`, `${home.dir}/${prefix}${name}`);
    }
  };
  await use(before, ["server.pem", "ca.pem"], "of-server-");
  await use(before, ["client.pem", "ca.pem"], "");
  await using server = await startMongod({
    args: [
      ...["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", `${home.dir}/of-server-server.pem`],
      ...["--tlsCAFile", `${home.dir}/of-server-ca.pem`],
    ],
  });
  const uri = (dir: string) =>
    `mongodb://localhost:${server.port}/?tls=true&tlsCAFile=${dir}/ca.pem&tlsCertificateKeyFile=${dir}/client.pem`;
  await using database = new TestDatabase(uri(before.dir), "certificates");
  await database.db.createCollection(DOCUMENTS);
  const agent = await home.startReady({
    env: { MONGODB_URI: uri(home.dir), MONGODB_DATABASE: database.name, MONGODB_COLLECTION: DOCUMENTS },
  });
  await database.db.collection(DOCUMENTS).insertOne({ _id: "held-1", status: "pending" } as never);
  await home.untilMarked("started held-1");

  // A key that does not fit: the connection that works stays.
  await Deno.writeFile(`${home.dir}/client.pem`, await Deno.readFile(before.path("mismatched.pem")));
  const wrong = await agent.log("The connection string or its certificates have changed and cannot be used");
  assert(String(wrong.error).includes("whose key belongs to another certificate"), String(wrong.error));

  // The server takes those of another authority from now on, for new connections; then the agent gets them.
  await use(after, ["server.pem", "ca.pem"], "of-server-");
  await database.client.db("admin").command({ rotateCertificates: 1 });
  await use(after, ["client.pem", "ca.pem"], "");
  await agent.log("Connected to MongoDB anew", { after: wrong });
  await release(home, "held-1");
  await using renewed = new MongoClient(uri(after.dir));
  const documents = renewed.db(database.name).collection(DOCUMENTS);
  await documents.insertOne({ _id: "last", status: "pending" } as never);
  await waitFor(
    "both to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 2,
  );
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

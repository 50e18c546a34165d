import { assertEquals, assertFalse } from "@std/assert";
import { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { waitFor } from "../support/wait.ts";

const ADMIN = { name: "admin", password: "of-the-admin" };
const ROLES = [{ role: "readWrite", db: "shop" }];

/** A server that asks for passwords, its administrator, and the user that agents log in as. */
class Guarded implements AsyncDisposable {
  readonly server: RunningMongod;
  readonly client: MongoClient;
  readonly #dir: string;

  private constructor(server: RunningMongod, client: MongoClient, dir: string) {
    this.server = server;
    this.client = client;
    this.#dir = dir;
  }

  static async start(): Promise<Guarded> {
    const dir = await newScratchDir("guarded");
    await Deno.writeTextFile(`${dir}/key`, "A".repeat(64), { mode: 0o600 });
    const server = await startMongod({ replicaSet: true, args: ["--keyFile", `${dir}/key`] });
    // Without a user yet, a server lets its own machine make the first.
    await using first = new MongoClient(server.uri);
    await first.db("admin").command({ createUser: ADMIN.name, pwd: ADMIN.password, roles: ["root"] });
    const client = new MongoClient(server.uri, { auth: { username: ADMIN.name, password: ADMIN.password } });
    await client.db("shop").createCollection("documents");
    return new Guarded(server, await client.connect(), dir);
  }

  uri(password: string): string {
    return `mongodb://agent:${password}@127.0.0.1:${this.server.port}/?replicaSet=rs0`;
  }

  async makeUser(pwd: string): Promise<void> {
    await this.client.db("admin").command({ createUser: "agent", pwd, roles: ROLES });
  }

  async changePassword(pwd: string): Promise<void> {
    await this.client.db("admin").command({ updateUser: "agent", pwd });
  }

  async dropUser(): Promise<void> {
    await this.client.db("admin").command({ dropUser: "agent" });
  }

  async insert(_id: string): Promise<void> {
    await this.#documents.insertOne({ _id, status: "pending" } as never);
  }

  async untilProcessed(_id: string): Promise<void> {
    const document = await waitFor(
      `${_id} to be processed`,
      () => this.#documents.findOne({ _id, status: "processed" } as never),
      { timeoutMs: 60_000 },
    );
    assertEquals(document._pull.attempts, 1);
  }

  get #documents() {
    return this.client.db("shop").collection("documents");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.server.stop();
    await removeScratchDir(this.#dir);
  }
}

/** A file as a mounted secret has it: behind two symbolic links, the first of which is swapped. */
async function mount(home: AgentHome, version: string, content: string): Promise<void> {
  await Deno.mkdir(`${home.dir}/secret/${version}`, { recursive: true });
  await Deno.writeTextFile(`${home.dir}/secret/${version}/uri`, content);
  await Deno.symlink(version, `${home.dir}/secret/..new`);
  await Deno.rename(`${home.dir}/secret/..new`, `${home.dir}/secret/..data`);
  await Deno.symlink("..data/uri", `${home.dir}/secret/uri`).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
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

Deno.test("MONGODB_URI_FILE that names a wrong password keeps the connection that works, and that is said once", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-one");
  await using home = await agentHome({ module: MODULE });
  const file = await home.write("uri", guarded.uri("password-one"));
  const env = { MONGODB_URI_FILE: file, MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "documents" };
  const agent = await home.startReady({ env });
  const wrong = "The connection string has changed and cannot be used";
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

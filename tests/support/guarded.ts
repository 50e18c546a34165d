import { assertEquals, assertRejects } from "@std/assert";
import { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { waitFor } from "./wait.ts";

const ADMIN = { name: "admin", password: "of-the-admin" };

const NARROW = "narrow";
const OF_AGENT = ["find", "insert", "update", "remove", "createIndex", "listIndexes", "changeStream"];
const privilegesOn = (collection: string, actions = OF_AGENT) => ({
  resource: { db: "shop", collection },
  actions,
});

/** A server that asks for passwords, its administrator, and the user that agents log in as. */
export class Guarded implements AsyncDisposable {
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

  async makeUser(pwd: string, role = "readWrite"): Promise<void> {
    await this.client.db("admin").command({ createUser: "agent", pwd, roles: [{ role, db: "shop" }] });
  }

  /** Makes the user, with the rights that docs/dashboard.md gives to the one of a dashboard that only shows. */
  async makeUserOfDashboard(pwd: string): Promise<void> {
    const collections = ["documents", "documents_dead_letters", "documents_agents"];
    await this.#makeUserWith(collections.map((collection) => privilegesOn(collection, ["find"])), pwd);
  }

  /** Makes the user, with all rights that an agent needs but those on the registry of the fleet. */
  async makeUserWithoutFleet(pwd: string): Promise<void> {
    await this.#makeUserWith([privilegesOn("documents"), privilegesOn("documents_dead_letters")], pwd);
  }

  /** Gives that user rights on the registry, too. */
  async grantFleet(actions: readonly string[] = OF_AGENT): Promise<void> {
    const privileges = [privilegesOn("documents_agents", [...actions])];
    await this.client.db("admin").command({ grantPrivilegesToRole: NARROW, privileges });
  }

  /** Takes them away again. */
  async revokeFleet(): Promise<void> {
    const privileges = [privilegesOn("documents_agents")];
    await this.client.db("admin").command({ revokePrivilegesFromRole: NARROW, privileges });
  }

  async changeRole(role: string): Promise<void> {
    await this.client.db("admin").command({ updateUser: "agent", roles: [{ role, db: "shop" }] });
  }

  async changePassword(pwd: string): Promise<void> {
    await this.client.db("admin").command({ updateUser: "agent", pwd });
  }

  async dropUser(): Promise<void> {
    await this.client.db("admin").command({ dropUser: "agent" });
  }

  /** Resolves once the server refuses a connection string. @throws {Error} if it lets it in */
  async refusesNew(uri: string): Promise<void> {
    await using client = new MongoClient(uri);
    await assertRejects(() => client.connect(), Error, "Authentication failed");
  }

  async insert(_id: string): Promise<void> {
    await this.#documents.insertOne({ _id, status: "pending" } as never);
  }

  async untilProcessed(_id: string): Promise<void> {
    const document = await waitFor(
      `${_id} to be processed`,
      () => this.#documents.findOne({ _id, status: "processed" } as never),
    );
    assertEquals(document._pull.attempts, 1);
  }

  async #makeUserWith(privileges: ReturnType<typeof privilegesOn>[], pwd: string): Promise<void> {
    const admin = this.client.db("admin");
    await admin.command({ createRole: NARROW, privileges, roles: [] });
    await admin.command({ createUser: "agent", pwd, roles: [NARROW] });
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

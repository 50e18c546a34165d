import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import type { Collection } from "mongodb";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess, LogEntry } from "../support/agent_process.ts";
import { Guarded } from "../support/guarded.ts";
import { mountSecret } from "../support/mounted_secret.ts";
import { FOR_CLIENTS, TlsGuarded } from "../support/tls_guarded.ts";
import { waitFor } from "../support/wait.ts";

/** Documents that arrive together, and how long after each other, in milliseconds. */
const BURST = 20;
const PAUSE_MS = 100;

/** Each run leaves a mark, so that none is counted twice or lost. */
const MODULE = `
  export default async ({ _id }) => {
    await new Promise((resolve) => setTimeout(resolve, 15));
    mark(_id);
  };`;

/** Documents that arrive all the time, until it is stopped. */
class Load {
  readonly #insert: (ids: string[]) => Promise<void>;
  readonly #running: Promise<void>;
  #isOver = false;
  inserted = 0;

  constructor(insert: (ids: string[]) => Promise<void>) {
    this.#insert = insert;
    this.#running = this.#run();
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#running;
    return this.inserted;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const ids = Array.from({ length: BURST }, (_, at) => `document-${this.inserted + at}`);
      await this.#insert(ids);
      this.inserted += BURST;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Agents that work on a load, and what a rotation does to them. */
class Fleet {
  readonly homes: readonly AgentHome[];
  readonly agents: readonly AgentProcess[];
  readonly #secret: string;
  #version = 0;

  private constructor(homes: readonly AgentHome[], agents: readonly AgentProcess[], secret: string) {
    this.homes = homes;
    this.agents = agents;
    this.#secret = secret;
  }

  /** @param files those of the mounted secret; `env` names them */
  static async start(
    homes: readonly AgentHome[],
    files: Record<string, string>,
    envOf: (secret: string) => Record<string, string>,
  ): Promise<Fleet> {
    const secret = `${homes[0]!.dir}/secret`;
    await mountSecret(secret, "v0", files);
    const env = {
      ...envOf(secret),
      MONGODB_DATABASE: "shop",
      MONGODB_COLLECTION: "documents",
      LEASE_DURATION: "30",
      POLL_INTERVAL: "200ms",
    };
    return new Fleet(homes, await Promise.all(homes.map((home) => home.startReady({ env }))), secret);
  }

  /** Writes the secret as the kubelet does. */
  async mount(files: Record<string, string>): Promise<void> {
    await mountSecret(this.#secret, `v${++this.#version}`, files);
  }

  /** Writes the file in place, as an editor or a script does. */
  async write(name: string, content: string): Promise<void> {
    await Deno.writeTextFile(`${this.#secret}/v${this.#version}/${name}`, content);
  }

  async remove(name: string): Promise<void> {
    await Deno.remove(`${this.#secret}/${name}`);
  }

  async restore(name: string): Promise<void> {
    await Deno.symlink(`..data/${name}`, `${this.#secret}/${name}`);
  }

  /** Does something, and resolves once each agent has logged `message` since. */
  async untilLogged(message: string, work: () => Promise<void>): Promise<LogEntry[]> {
    const last = this.agents.map((agent) => agent.entries.at(-1));
    await work();
    return await Promise.all(this.agents.map((agent, at) => agent.log(message, { after: last[at] })));
  }

  async marks(): Promise<string[]> {
    return (await Promise.all(this.homes.map((home) => home.marks()))).flat().map(({ text }) => text);
  }
}

const RENEWED = "Connected to MongoDB anew";
const STALE = "The connection string or its certificates have changed and cannot be used";

/** A fleet under load, step by step. */
class Rotation implements AsyncDisposable {
  readonly #fleet: Fleet;
  readonly #documents: Collection<{ _id: string }>;
  readonly #load: Load;
  readonly #steps: string[] = [];

  constructor(fleet: Fleet, documents: Collection<{ _id: string }>) {
    this.#fleet = fleet;
    this.#documents = documents;
    this.#load = new Load(async (ids) => {
      await documents.insertMany(ids.map((_id) => ({ _id, status: "pending" }) as never));
    });
  }

  /** Does one step, and resolves once what has arrived by then is processed. */
  async step(what: string, work: () => Promise<unknown>): Promise<void> {
    const [before, startMs] = [this.#load.inserted, performance.now()];
    await work();
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    await this.goesOn(what);
    this.#steps.push(`${what}: ${seconds} s, ${this.#load.inserted - before} documents`);
  }

  async goesOn(what: string): Promise<void> {
    const last = `document-${this.#load.inserted + BURST - 1}`;
    await waitFor(
      `the load to go on after ${what}`,
      () => this.#documents.findOne({ _id: last, status: "processed" } as never),
    );
  }

  /** Ends the load and the agents: each document ran once. @param stale what could not be used, in a log */
  async end({ stale, secret }: { stale: number; secret: RegExp }): Promise<void> {
    const inserted = await this.#load.stop();
    await waitFor(
      "all to be processed",
      async () => await this.#documents.countDocuments({ status: "processed" } as never) === inserted,
    );
    const marks = await this.#fleet.marks();
    assertEquals([new Set(marks).size, marks.length], [inserted, inserted], "each ran once");
    const others = { "_pull.attempts": { $ne: 1 } } as never;
    assertEquals(await this.#documents.countDocuments(others), 0, "no attempt was spent");
    for (const agent of this.#fleet.agents) {
      const told = agent.entries.filter(({ message }) => message.includes(STALE));
      assertEquals(told.length, stale, agent.output);
      assertFalse(secret.test(agent.output), agent.output);
      agent.signal("SIGTERM");
      assertEquals((await agent.exit()).code, 0);
    }
    console.log([...this.#steps, `${inserted} documents, each ran once`].join("\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load.stop();
  }
}

Deno.test("MONGODB_URI_FILE that changes under load loses no document and spends no attempt, in each order of events", async () => {
  await using guarded = await Guarded.start();
  const admin = guarded.client.db("admin");
  await guarded.makeUser("password-0");
  const other = (password: string) => guarded.uri(password).replace("mongodb://agent:", "mongodb://agent-2:");
  await using one = await agentHome({ module: MODULE });
  await using two = await agentHome({ module: MODULE });
  const fleet = await Fleet.start([one, two], { uri: guarded.uri("password-0") }, (secret) => ({
    MONGODB_URI_FILE: `${secret}/uri`,
  }));
  await using rotation = new Rotation(fleet, guarded.client.db("shop").collection("documents"));

  await rotation.step("server first, then the file", () =>
    fleet.untilLogged(RENEWED, async () => {
      await guarded.changePassword("password-1");
      // Connections that stand are left alone; the first new one is refused.
      await guarded.refusesNew(guarded.uri("password-0"));
      await fleet.mount({ uri: guarded.uri("password-1") });
    }));
  await rotation.step("file first, then the server", () =>
    fleet.untilLogged(RENEWED, async () => {
      await fleet.untilLogged(STALE, () => fleet.mount({ uri: guarded.uri("password-2") }));
      await rotation.goesOn("a new password in the file alone");
      await guarded.changePassword("password-2");
    }));
  await rotation.step("another user", async () => {
    const roles = [{ role: "readWrite", db: "shop" }];
    await admin.command({ createUser: "agent-2", pwd: "password-3", roles });
    await fleet.untilLogged(RENEWED, () => fleet.mount({ uri: other("password-3") }));
    await guarded.dropUser();
  });
  await rotation.step("a file that is written in two steps", () =>
    fleet.untilLogged(RENEWED, async () => {
      await admin.command({ updateUser: "agent-2", pwd: "password-4" });
      await fleet.untilLogged(STALE, () => fleet.write("uri", other("password-4").slice(0, 30)));
      await fleet.write("uri", other("password-4"));
    }));
  await rotation.step("a file that is gone for a while", async () => {
    await fleet.remove("uri");
    await rotation.goesOn("the end of the file");
    await fleet.restore("uri");
  });
  await rotation.step("a user that is made anew", () =>
    fleet.untilLogged("MongoDB is in reach", async () => {
      await fleet.untilLogged("MongoDB is out of reach", async () => {
        await admin.command({ dropUser: "agent-2" });
      });
      const roles = [{ role: "readWrite", db: "shop" }];
      await admin.command({ createUser: "agent-2", pwd: "password-4", roles });
    }));
  await rotation.step(
    "a wrong password",
    () => fleet.untilLogged(STALE, () => fleet.mount({ uri: other("password-wrong") })),
  );
  await rotation.end({ stale: 3, secret: /password-\w/ });
});

Deno.test("Certificates that change under load lose no document and spend no attempt", async () => {
  await using guarded = await TlsGuarded.start("of-no-use", "all-ca.pem");
  const { certificates } = guarded;
  const agent = { subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS };
  await certificates.issue("agent-2", { ...agent, ca: "other-ca" });
  await certificates.issue("agent-3", { ...agent, ca: "other-ca", subject: "/CN=agent-3/O=shop" });
  const text = (name: string) => Deno.readTextFile(certificates.path(name));
  await using one = await agentHome({ module: MODULE });
  await using two = await agentHome({ module: MODULE });
  const files = { "ca.pem": await text("ca.pem"), "client.pem": await text("agent.pem") };
  const fleet = await Fleet.start([one, two], files, (secret) => ({
    MONGODB_URI: `mongodb://localhost:${guarded.server.port}/?tls=true&authMechanism=MONGODB-X509` +
      `&tlsCAFile=${secret}/ca.pem&tlsCertificateKeyFile=${secret}/client.pem`,
  }));
  await using rotation = new Rotation(fleet, guarded.client.db("shop").collection("documents"));
  const change = async (changed: Record<string, string>) => {
    await fleet.mount(Object.assign(files, changed));
  };

  await rotation.step(
    "a file with both authorities",
    () => fleet.untilLogged(RENEWED, async () => await change({ "ca.pem": await text("all-ca.pem") })),
  );
  await rotation.step("a server's certificate by the new authority", async () => {
    await certificates.issue("server", { ca: "other-ca" });
    await guarded.client.db("admin").command({ rotateCertificates: 1 });
  });
  await rotation.step(
    "a file with the new authority alone",
    () => fleet.untilLogged(RENEWED, async () => await change({ "ca.pem": await text("other-ca.pem") })),
  );
  await rotation.step(
    "a client's certificate that is written in two steps",
    () =>
      fleet.untilLogged(RENEWED, async () => {
        const whole = await text("agent-2.pem");
        await fleet.untilLogged(STALE, () => fleet.write("client.pem", whole.slice(0, 40)));
        await fleet.write("client.pem", whole);
        files["client.pem"] = whole;
      }),
  );
  await rotation.step(
    "a client's certificate for another user",
    () =>
      fleet.untilLogged(RENEWED, async () => {
        const told = await fleet.untilLogged(
          STALE,
          async () => await change({ "client.pem": await text("agent-3.pem") }),
        );
        assertMatch(
          String(told[0]!.error),
          /create the user "O=shop,CN=agent-3" in the database \$external$/,
        );
        const roles = [{ role: "readWrite", db: "shop" }];
        await guarded.client.db("$external").command({ createUser: "O=shop,CN=agent-3", roles });
      }),
  );
  await rotation.end({ stale: 2, secret: /PRIVATE KEY/ });
});

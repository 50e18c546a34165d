import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { agentBinary } from "../support/agent_home.ts";
import {
  buildImages,
  type Container,
  CONTAINERS,
  filesOf,
  podmanOutput,
  startContainer,
} from "../support/container.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(CONTAINERS);
const NAME = "localhost/pulling-agent-under-test";
const IMAGES = { distroless: `${NAME}:latest`, scratch: `${NAME}:latest-scratch` };
const MIB = 2 ** 20;
/** The executable alone is 95 MiB, distroless/cc adds 22 to it. */
const LARGEST = { scratch: 110 * MIB, distroless: 125 * MIB };
/** What the official runtime may take more than the one of the `compat` build. */
const OFFICIAL_EXTRA = 12 * MIB;
/** What either image may hold besides the executable. */
const LARGEST_REST = { scratch: 4 * MIB, distroless: 24 * MIB };
const TARGETS = ["scratch", "distroless"] as const;
const BINARY = "usr/local/bin/pulling-agent";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await buildImages(NAME);
      await fn();
    },
  });
}

function settingsFor(db: TestDatabase): Record<string, string> {
  return {
    MONGODB_URI: db.uri,
    MONGODB_DATABASE: db.name,
    MONGODB_COLLECTION: "documents",
    POLL_INTERVAL: "50ms",
    HEARTBEAT_INTERVAL: "100ms",
  };
}

Deno.test("Images: the Dockerfile's version is that of deno.json, in both targets", async () => {
  const given = (await Deno.readTextFile("Dockerfile")).matchAll(/^ARG VERSION=(.*)$/gm);
  assertEquals([...given].map(([, version]) => version), [config.version, config.version]);
});

/** Where a cluster mounts a ConfigMap and a processor: a control file, and a module. */
class Mounts implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async make(module: string): Promise<Mounts> {
    const dir = await TempDir.make();
    await Deno.mkdir(`${dir.path}/control`);
    await dir.write("control/state", "resume\n");
    await dir.write("processor.js", module);
    // No process in the container runs as root.
    await Deno.chmod(dir.path, 0o755);
    return new Mounts(dir);
  }

  /** Writes a file of the control directory in one step. */
  async control(file: string, content: string): Promise<void> {
    await Deno.rename(await this.#dir.write("new", content), `${this.#dir.path}/control/${file}`);
  }

  get options(): string[] {
    return [
      `--volume=${this.#dir.path}/control:/tmp/control:ro`,
      `--volume=${this.#dir.path}/processor.js:/processor.js:ro`,
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}

/** What the "restricted" profile of a cluster asks for, and a root that no process can write. */
const RESTRICTED = [
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--tmpfs=/tmp/health:rw,size=1m",
  "--memory=512m",
  "--memory-swap=512m",
];

async function startRestricted(
  target: typeof TARGETS[number],
  db: TestDatabase,
  mounts: Mounts,
  env: Record<string, string> = {},
): Promise<Container> {
  return await startContainer({
    image: IMAGES[target],
    env: { ...settingsFor(db), PROCESSOR: "module:/processor.js", ...env },
    options: [...RESTRICTED, ...mounts.options],
  });
}

/** Is busy with a document until there is a file `go` in the control directory. */
const GATED = `
export default async ({ _id }, { log }) => {
  log.info("start " + _id);
  while (!(await Deno.stat("/tmp/control/go").catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};`;

for (const target of TARGETS) {
  test(`the ${target} image holds no more than it says, for a user who is not root`, async () => {
    const image = JSON.parse(await podmanOutput("image", "inspect", IMAGES[target]))[0];
    await using about = await startContainer({ image: IMAGES[target], args: ["--version"] });
    assertEquals((await about.agent.exit()).code, 0);
    const isCompat = about.agent.entries[0]!.message.includes("compat build");
    const largest = LARGEST[target] + (isCompat ? 0 : OFFICIAL_EXTRA);
    assert(image.Size < largest, `${target} is ${(image.Size / MIB).toFixed(1)} MiB`);
    const rest = image.Size - (await Deno.stat(agentBinary())).size;
    assert(
      rest < LARGEST_REST[target],
      `${target} has ${(rest / MIB).toFixed(1)} MiB besides the executable`,
    );
    assertEquals(image.Config.User, "65532:65532");
    assertEquals(image.Config.Entrypoint, [`/${BINARY}`]);
    assertEquals(image.Config.Cmd ?? null, null);
    assertEquals(image.Labels["org.opencontainers.image.title"], "pulling-agent");
    assertEquals(image.Labels["org.opencontainers.image.version"], config.version);
    assertEquals(image.Labels["org.opencontainers.image.licenses"], "MIT");
    assertMatch(image.Labels["org.opencontainers.image.revision"], /^[\w.-]+$/);

    const files = await filesOf(IMAGES[target]);
    const at = (path: string) => files.find((file) => file.path === path);
    assertEquals(at("tmp/"), { path: "tmp/", mode: "drwxrwxrwt", owner: "0/0" });
    assertEquals(at("tmp/health/"), { path: "tmp/health/", mode: "drwxrwxrwt", owner: "65532/65532" });
    assertEquals(at(BINARY), { path: BINARY, mode: "-rwxr-xr-x", owner: "0/0" });
    assertEquals(
      files.filter(({ path }) => /(^|\/)(ba|da|z|k)?sh$|busybox/.test(path)),
      [],
      "there is no shell",
    );
    assertEquals(files.filter(({ mode }) => /[st]/i.test(mode.slice(3, 7))), [], "nothing changes the user");
    const programs = files.filter(({ path, mode }) =>
      /^(usr\/)?(local\/)?s?bin\/./.test(path) && mode.startsWith("-")
    );
    assertEquals(programs.map(({ path }) => path), [BINARY]);
    if (target !== "scratch") return;
    const plain = files.map(({ path }) => path).filter((path) => !path.endsWith("/"));
    const [libraries, others] = [/(^|\/)(ld-linux|lib)[^/]*\.so\.\d+$/, [] as string[]];
    others.push(...plain.filter((path) => !libraries.test(path)));
    assertEquals(others.sort(), ["etc/passwd", BINARY].sort());
    assertEquals(plain.length - others.length, 7);
  });

  test(`the ${target} image says what it needs when nothing is set, and works when nothing is mounted`, async () => {
    const image = IMAGES[target];
    await using db = await testDatabase(`image ${target}`);
    await using bare = await startContainer({ image, env: { MONGODB_URI: db.uri } });
    assertEquals((await bare.agent.exit()).code, 2);
    assertStringIncludes(
      bare.agent.stderr,
      "MONGODB_DATABASE is not set: set it to the database to pull from",
    );
    assertStringIncludes(
      bare.agent.stderr,
      "MONGODB_COLLECTION is not set: set it to the collection to pull from",
    );

    const documents = await insertPending(db, upTo(3));
    await using container = await startContainer({ image, env: settingsFor(db) });
    await container.untilReady();
    await waitFor("all documents", async () => await documents.countDocuments({ status: "processed" }) === 3);
    await container.kill("SIGTERM");
    assertEquals((await container.agent.exit()).code, 0, container.agent.output);
  });

  test(`the ${target} image runs under the restrictions of a cluster: probes, commands, signals, control file`, async () => {
    await using db = await testDatabase(`image ${target}`);
    await insertPending(db, [1]);
    await using mounts = await Mounts.make(`
      export default ({ _id }, { log }) => {
        try {
          Deno.writeTextFileSync("/tmp/written", "");
          log.info("written");
        } catch (error) {
          log.info("refused", { error: error.message });
        }
      };`);
    await using container = await startRestricted(target, db, mounts);
    const { agent } = container;
    await container.untilReady();
    const tried = await agent.log(({ message }) => message === "written" || message === "refused");
    assertStringIncludes(String(tried.error), "Read-only file system");
    for (const probe of ["startup", "liveness"]) {
      assertEquals((await container.exec("health", probe)).code, 0, probe);
    }

    const process = await container.processStatus();
    assertEquals(process.Uid?.split("\t"), Array(4).fill("65532"));
    assertEquals(process.Gid?.split("\t"), Array(4).fill("65532"));
    assertEquals([process.CapPrm, process.CapEff, process.CapBnd], Array(3).fill("0".repeat(16)));
    assertEquals(process.NoNewPrivs, "1");
    assertEquals(process.NSpid?.split("\t").at(-1), "1");
    assertEquals(JSON.parse((await container.exec("status", "--json")).stdout).pid, 1);

    const stateIs = async (state: string, source: string) => {
      const { control } = JSON.parse((await container.exec("status", "--json")).stdout);
      assertEquals([control.state, control.source], [state, source]);
    };
    let last = await agent.log("Agent is running");
    const logged = async (message: string) => last = await agent.log(message, { after: last });
    assertEquals((await container.exec("pause")).code, 0);
    await logged("Paused");
    assertEquals((await container.exec("resume")).code, 0);
    await logged("Resumed");
    await container.kill("SIGUSR1");
    await logged("Paused");
    await stateIs("paused", "signal");
    await container.kill("SIGUSR2");
    await logged("Resumed");
    await mounts.control("state", "pause\n");
    await logged("Paused");
    await stateIs("paused", "file");
    await documentsOf(db).insertOne({ _id: 2, status: "pending" });
    await mounts.control("state", "resume\n");
    await logged("Resumed");
    await waitFor(
      "all documents",
      async () => await documentsOf(db).countDocuments({ status: "processed" }) === 2,
    );

    await container.kill("SIGTERM");
    assertEquals((await agent.exit()).code, 0, agent.output);
    assertEquals(agent.stderr, "");
  });
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  test(`in its container the agent drains on ${signal} and ends with status 0`, async () => {
    await using db = await testDatabase(`image ${signal}`);
    const documents = await insertPending(db, upTo(3));
    await using mounts = await Mounts.make(GATED);
    await using container = await startRestricted("scratch", db, mounts, { CONCURRENCY: "1" });
    const { agent } = container;
    await agent.log("start 1");
    await container.kill(signal);
    assertEquals((await agent.log("Draining")).reason, signal);
    assertEquals((await container.exec("health", "readiness")).code, 1, "no longer ready");
    await mounts.control("go", "");
    assertEquals((await agent.exit()).code, 0, agent.output);
    assertEquals(await documents.countDocuments({ status: "processed" }), 1);
    assertEquals(await documents.countDocuments({ status: "pending" }), 2);
  });
}

test("in its container the agent works within 512 MiB, however large the documents", async () => {
  await using db = await testDatabase("image memory");
  const documents = documentsOf(db);
  // 240 MiB in all: more than the heap may hold.
  const payload = "x".repeat(MIB);
  for (const block of upTo(6)) {
    await documents.insertMany(upTo(40).map((n) => ({ _id: block * 100 + n, status: "pending", payload })));
  }
  await using mounts = await Mounts.make(`
    export default async ({ payload }) => {
      const copy = JSON.parse(JSON.stringify({ payload })).payload;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return { set: { length: copy.length } };
    };`);
  await using container = await startRestricted("scratch", db, mounts);
  const { agent } = container;
  await agent.log("Agent is running");
  assertEquals(await container.memoryLimit(), 512 * MIB);
  await waitFor(
    "all documents",
    async () => await documents.countDocuments({ status: "processed", length: MIB }) === 240 || agent.ended,
  );
  assertFalse(agent.ended, agent.output);
  const [peak] = (await container.processStatus()).VmHWM!.trim().split(" ");
  assert(Number(peak) * 1024 < 512 * MIB, `its peak was ${peak} kB`);
  await container.kill("SIGTERM");
  assertEquals((await agent.exit()).code, 0, agent.output);
  assertEquals(await container.inspect("{{.State.OOMKilled}}"), "false");
});

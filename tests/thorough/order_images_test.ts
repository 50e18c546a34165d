import { EJSON } from "bson";
import { assertEquals, assertFalse } from "@std/assert";
import { agentBinary } from "../support/agent_home.ts";
import { buildImages, CONTAINERS, startContainer } from "../support/container.ts";
import { buildGo, GO, PYTHON } from "../support/languages.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const noContainers = await isMissing(CONTAINERS);
/** A name of its own: other tests replace their images meanwhile. */
const AGENT = "localhost/pulling-agent-for-examples";
const EXAMPLES = new URL("../../examples", import.meta.url).pathname;
const IMAGE = "localhost/pulling-agent-order-totals";

async function output(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout).trim();
}

async function build(dockerfile: string, context: string, ...args: string[]): Promise<void> {
  await buildImages(AGENT);
  await output(
    ...["buildah", "bud", "--quiet", "--pull=never", "--tag", IMAGE] as [string, ...string[]],
    ...["--file", `${EXAMPLES}/${dockerfile}`, ...args, context],
  );
}

/** Lets a container drain the sample orders, and ends it. */
async function drains(options: string[] = [], image = IMAGE): Promise<void> {
  await using db: TestDatabase = await testDatabase("order images");
  const orders = db.db.collection("documents");
  const samples = (await Deno.readTextFile(`${EXAMPLES}/orders.jsonl`)).trim().split("\n")
    .map((line) => ({ ...EJSON.parse(line), status: "pending" }));
  await orders.insertMany(samples);
  await using container = await startContainer({
    image,
    env: {
      MONGODB_URI: db.uri,
      MONGODB_DATABASE: db.name,
      MONGODB_COLLECTION: "documents",
      POLL_INTERVAL: "50ms",
    },
    options: [
      "--read-only",
      "--read-only-tmpfs=false",
      "--tmpfs=/tmp/health:rw,size=1m",
      "--cap-drop=ALL",
      "--memory=512m",
      ...options,
    ],
  });
  await waitFor(
    "all orders",
    async () =>
      await orders.countDocuments({ status: "processed", total: { $gt: 0 } }) === samples.length ||
      container.agent.ended,
  );
  assertFalse(container.agent.ended, container.agent.output);
  await container.kill("SIGTERM");
  assertEquals((await container.agent.exit()).code, 0, container.agent.output);
}

Deno.test({
  name: "Images: examples/go is the agent's image with a program, and drains the sample orders",
  ignore: noContainers || await isMissing(GO),
  async fn() {
    await using dir = await TempDir.make();
    await buildGo(`${EXAMPLES}/go`, `${dir.path}/worker`);
    // In place of the stage that compiles it in the image of Go, which is not there without its registry.
    const stage = `build=${dir.path}`;
    await build(
      "go/Dockerfile",
      `${EXAMPLES}/go`,
      `--build-arg=AGENT=${AGENT}:latest-scratch`,
      `--build-context=${stage}`,
    );
    await drains();
  },
});

Deno.test({
  name: "Images: examples/python is an image of Python with the agent, and drains the sample orders",
  ignore: noContainers || await isMissing(PYTHON),
  async fn() {
    await using dir = await TempDir.make();
    // Its registry is not there: an image with the Python of this machine stands in for it.
    const python = "localhost/pulling-agent-test-python";
    await output("sh", "tests/support/python_image.sh", python, agentBinary(), dir.path);
    const args = [`--build-arg=AGENT=${AGENT}:latest`, `--build-arg=PYTHON=${python}`];
    await build("python/Dockerfile", EXAMPLES, ...args);
    await drains();
  },
});

Deno.test({
  name: "Images: examples/module_image holds a module, which the agent loads from where the image is mounted",
  ignore: noContainers,
  async fn() {
    await build("module_image/Dockerfile", EXAMPLES);
    await drains([
      `--mount=type=image,source=${IMAGE},destination=/processor`,
      "--env=PROCESSOR=module:/processor/order_totals.js",
    ], `${AGENT}:latest-scratch`);
  },
});

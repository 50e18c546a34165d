import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/**
 * Runs a command of the agent from source, in a process that ends as soon as any code loads the driver, in any
 * way and from any file.
 */
async function runWithoutDriver(args: string[], env: Record<string, string>) {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const poison = "data:text/javascript," + encodeURIComponent('throw new Error("The driver was loaded");');
  for (const name of Object.keys(imports)) if (/^(mongodb|bson)\b/.test(name)) imports[name] = poison;
  const config = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(config, JSON.stringify({ imports, nodeModulesDir: "none" }));
    const options = ["run", "--quiet", "--no-prompt", "--no-lock", "--cached-only", "--no-check", "-A"];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...options, `--config=${config}`, `${ROOT}main.ts`, ...args],
      env,
    }).output();
    return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(config);
  }
}

const COMMANDS = [
  ["health", "liveness"],
  ["health", "readiness"],
  ["health", "startup"],
  ["status"],
  ["pause"],
  ["resume"],
  ["--help"],
  ["--version"],
];

Deno.test("Driver: probes, status, pause, resume, --help and --version work without ever loading the driver", async () => {
  await using db = await testDatabase("no driver");
  await using home = await agentHome({ db });
  await home.startReady();
  for (const args of COMMANDS) {
    const { code, output } = await runWithoutDriver(args, { HEALTH_DIR: home.healthDir });
    assertEquals(code, 0, `${args.join(" ")}: ${output}`);
  }
});

Deno.test("Driver: dashboard --probe works without ever loading the driver", async () => {
  const { code, output } = await runWithoutDriver(["dashboard", "--probe", "--listen", "127.0.0.1:1"], {});
  assertEquals([code, output], [
    1,
    "dashboard: no, nothing listens on 127.0.0.1:1: give --probe the --listen of the dashboard\n",
  ]);
});

Deno.test("Driver: a command that does load the driver is found out by the same trap", async () => {
  const { code, output } = await runWithoutDriver(["check"], {
    MONGODB_URI: "mongodb://127.0.0.1:1/",
    MONGODB_DATABASE: "nowhere",
    MONGODB_COLLECTION: "documents",
  });
  assertNotEquals(code, 0, output);
  assertMatch(output, /The driver was loaded|does not provide an export/);
});

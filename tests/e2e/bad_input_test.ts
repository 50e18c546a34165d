import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { usageOf } from "../../control/commands/command.ts";
import { COMMANDS } from "../../control/commands/commands.ts";
import { metricsCommand } from "../../control/commands/metrics_command.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { agentHome } from "../support/agent_home.ts";
import { isMissing, OTHER_USER } from "../support/optional.ts";

const DB = { uri: "mongodb://127.0.0.1:1/", name: "nowhere" };

/** The report of a mistake: only sentences on standard error, and no place in the code. */
function assertSaid(result: { code: number; stdout: string; stderr: string }, code: number): void {
  assertEquals({ code: result.code, stdout: result.stdout }, { code, stdout: "" }, result.stderr);
  assertMatch(result.stderr, /^(pulling-agent: .+\n)+$/);
  assertEquals(/^ +at |\.ts:\d+|Uncaught|Stack/m.test(result.stderr), false, result.stderr);
}

Deno.test("without any settings, all that are required are named at once, and the exit status is 2", async () => {
  await using home = await agentHome();
  const result = await home.run();
  assertSaid(result, 2);
  for (const name of ["MONGODB_URI", "MONGODB_DATABASE", "MONGODB_COLLECTION"]) {
    assertMatch(result.stderr, new RegExp(`^pulling-agent: ${name} is not set: `, "m"));
  }
  assertEquals(result.stderr.split("\n").length, 4);
});

Deno.test("Settings: all problems of the settings are reported together", async () => {
  const wrong = {
    MONGODB_DATABASE: "a.b",
    MONGODB_COLLECTION: "system.x",
    BATCH_SIZE: "0",
    CONCURRENCY: "many",
    POLL_INTERVAL: "-1",
    LEASE_DURATION: "5 fortnights",
    LOG_LEVEL: "LOUD",
    ENSURE_INDEXES: "perhaps",
    FILTER: "{kind:",
    PROCESSOR: "module:nowhere.js",
  };
  await using home = await agentHome({ db: DB, env: wrong });
  for (const args of [[], ["run"], ["check"]]) {
    const result = await home.run(...args);
    assertSaid(result, 2);
    for (const name of Object.keys(wrong)) assertStringIncludes(result.stderr, name);
    assertEquals(result.stderr.trimEnd().split("\n").length, Object.keys(wrong).length, result.stderr);
  }
});

Deno.test("Settings: a value of several lines is reported in one line, for every setting and on the command line", async () => {
  const values = Object.fromEntries(
    Object.values(SETTINGS).map(({ variable }) => [variable, "a\nb \x1b[31m\u2028c"]),
  );
  // The command looks for its own files first.
  delete values["HEALTH_DIR"];
  await using home = await agentHome({ db: DB, env: values });
  for (const args of [["check"], ["run"], ["status", "a\nb"], ["a\nb"], ["health", "--x\ny"]]) {
    const result = await home.run(...args);
    assertSaid(result, 2);
    assertEquals(/[^\P{Cc}\n]|\u2028/u.test(result.stderr), false, result.stderr);
  }
});

const WRONG_COMMANDS: [string[], RegExp][] = [
  [["start"], /no command "start": did you mean run\? Known are run, pause/],
  [["--verbose"], /--verbose/],
  [["run", "--json"], /run knows no --json/],
  [["status", "now"], /status takes no argument "now"/],
  [["health"], /health needs one of liveness, readiness, startup/],
  [["health", "alive"], /health knows no "alive": did you mean health liveness\?/],
  [["health", "liveness", "readiness"], /argument "readiness"/],
  [["toString"], /no command "toString"/],
];

for (const [args, said] of WRONG_COMMANDS) {
  Deno.test(`Settings: "${args.join(" ")}" is refused with status 2 and the right form`, async () => {
    await using home = await agentHome();
    const result = await home.run(...args);
    assertSaid(result, 2);
    assertMatch(result.stderr, said);
  });
}

const WRONG_MODULES: Record<string, [source: string, said: RegExp]> = {
  "no_default.js": [
    "export const handle = () => {};",
    /exports no function as its default \(it exports: handle, a function\)/,
  ],
  "number.js": ["export default 42;", /exports no function as its default \(it exports: default, a number\)/],
  "empty.js": ["", /is empty: write/],
  "syntax.js": [
    "export default (d) => {\n  let x = ;\n}",
    /is not valid JavaScript, in line 2, column 11: .*;/,
  ],
  "throws.js": [
    "throw new Error('no BILLING_URL set');",
    /failed while it was loaded \(line 1, column 7\): no BILLING_URL set$/m,
  ],
  "rejects.js": [
    "await Promise.reject(new Error('no network'));",
    /failed while it was loaded.*: no network$/m,
  ],
  "npm.js": [
    "import x from 'npm:left-pad';\nexport default x;",
    /imports "npm:left-pad", which the agent cannot fetch: bundle the module/,
  ],
  "jsr.js": ["import x from 'jsr:@std/assert';", /imports "jsr:@std\/assert", which the agent cannot fetch/],
  "http.js": ["import x from 'https://example.com/x.js';", /imports "https:\/\/example.com\/x.js", which/],
  "bare.js": ["import x from 'axios';", /imports "axios", which the agent cannot fetch/],
  "json_import.js": [
    "import x from './package.json';",
    /imports \/.*\/package\.json, which does not exist/,
  ],
  "missing.js": [
    "import x from './gone.js';\nexport default x;",
    /imports \/.*\/gone\.js, which does not exist/,
  ],
  "node.js": ["import x from 'node:pg';", /imports "node:pg", which Deno does not have/],
  "cjs.js": ["module.exports = () => {};", /is a CommonJS module \(module is not defined\)/],
  "data.js": ['{"a": 1}', /is JSON, not JavaScript/],
  "page.js": ["<!doctype html>", /is HTML or XML/],
  "typed.js": ["export default async (d: any) => {};", /has TypeScript in it, .* \(.*line 1, column \d+\)$/m],
  "program.js": [
    "new Deno.Command('ls').outputSync();",
    /failed while it was loaded \(line 1, column \d+\): no processor has the permission "run"$/m,
  ],
  "kernel.js": [
    "Deno.readTextFileSync('/proc/1/environ');",
    /\(line 1, column \d+\): "\/proc\/1\/environ" belongs to the kernel/,
  ],
  "types.ts": ["export default (d: unknown) => {};", /TypeScript.*bundle it to one \.js file/],
  "notes.txt": ["hello", /name a file that ends in \.js or \.mjs/],
};

for (const [file, [source, said]] of Object.entries(WRONG_MODULES)) {
  Deno.test(`Settings: a processor module like ${file} is refused at the start, and by check`, async () => {
    await using home = await agentHome({ db: DB });
    const path = await home.write(file, source);
    const env = { PROCESSOR: `module:${path}` };
    const results = await Promise.all(
      ["run", "check"].map((command) => home.runWith({ args: [command], env })),
    );
    for (const result of results) {
      assertSaid(result, 2);
      assertMatch(result.stderr, said);
    }
  });
}

Deno.test("Settings: a processor that is missing, a folder, or of an unknown kind is refused at the start", async () => {
  await using home = await agentHome({ db: DB });
  await Deno.mkdir(`${home.dir}/folder.js`);
  const processors = {
    [`module:${home.dir}/gone.js`]: /does not exist/,
    [`module:${home.dir}/folder.js`]: /is a directory: name the \.js file itself/,
    "module:": /names no file/,
    "lambda:x": /set it to log/,
  };
  for (const [PROCESSOR, said] of Object.entries(processors)) {
    const result = await home.runWith({ env: { PROCESSOR } });
    assertSaid(result, 2);
    assertMatch(result.stderr, said);
  }
});

Deno.test("check shows the settings as they are used, and does not ask the database", async () => {
  await using home = await agentHome({
    db: DB,
    module: "export default () => {};",
    env: { BATCH_SIZE: "7", LEASE_DURATION: "90" },
  });
  const { code, stdout, stderr } = await home.run("check");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertMatch(stdout, /^BATCH_SIZE +7$/m);
  assertMatch(stdout, /^LEASE_DURATION +90s$/m);
  assertMatch(stdout, /^PROCESSOR +module:/m);
  for (const { variable } of Object.values(SETTINGS)) assertStringIncludes(stdout, variable);
});

Deno.test("Settings: a processor module that imports JSON without the attribute is refused with the right form", async () => {
  await using home = await agentHome({
    db: DB,
    module: 'import rates from "./rates.json"; export default () => {};',
  });
  await home.write("rates.json", "{}");
  const result = await home.run("check");
  assertSaid(result, 2);
  assertStringIncludes(result.stderr, 'from "./rates.json" with { type: "json" }`');
});

Deno.test("--help names every command and every setting, and needs no settings", async () => {
  await using home = await agentHome();
  const answers = await Promise.all(
    [["--help"], ["-h"], ["help"]].map((args) => home.run(...args)),
  );
  for (const { code, stdout, stderr } of answers) {
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertEquals(stdout, answers[0]!.stdout);
  }
  for (const command of COMMANDS) assertStringIncludes(answers[0]!.stdout, `  ${usageOf(command)}`);
  for (const { variable } of Object.values(SETTINGS)) {
    assertStringIncludes(answers[0]!.stdout, `  ${variable} `);
  }
});

Deno.test("help of a command is the same in each of its ways, says what it does, and needs no settings", async () => {
  await using home = await agentHome();
  const ways = [["metrics", "--help"], ["metrics", "-h"], ["help", "metrics"]];
  for (const { code, stdout, stderr } of await Promise.all(ways.map((args) => home.run(...args)))) {
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertEquals(
      stdout,
      `Usage: pulling-agent metrics\n\n${metricsCommand.doc}\n\nAll commands and all settings: pulling-agent --help\n`,
    );
  }
});

Deno.test("--version says the version, the commit and the kind of the build", async () => {
  await using home = await agentHome();
  for (const word of ["--version", "-V", "version"]) {
    const { code, stdout, stderr } = await home.run(word);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertMatch(
      stdout,
      /^pulling-agent \d+\.\d+\.\d+ \(commit \S+, (official|compat) build, deno \d\S+, mongodb driver \d[^)]*\)\n$/,
    );
  }
});

Deno.test({
  name:
    "Settings: a processor or a connection string that the agent's user may not read is told from a missing one",
  ignore: Deno.uid() === 0 && await isMissing(OTHER_USER),
  fn: async () => {
    await using home = await agentHome({ db: DB, module: "export default () => {};" });
    const uriFile = await home.write("uri", "mongodb://127.0.0.1:1/");
    await Deno.chmod(`${home.dir}/processor.js`, 0);
    await Deno.chmod(uriFile, 0);
    await Deno.chmod(home.dir, 0o755);
    const wrapper = Deno.uid() === 0 ? ["setpriv", "--reuid", "65532", "--clear-groups"] : [];
    const env = { MONGODB_URI: undefined, MONGODB_URI_FILE: uriFile };
    const result = await home.runWith({ args: ["check"], wrapper, env });
    assertSaid(result, 2);
    const user = wrapper.length > 0 ? 65532 : Deno.uid();
    assertStringIncludes(
      result.stderr,
      `processor.js cannot be read by user ${user}, as whom the agent runs: give it`,
    );
    assertStringIncludes(result.stderr, `which user ${user}, as whom the agent runs, cannot read: give it`);

    const key = await home.write("key.pem", "");
    await Deno.chmod(key, 0);
    const byKey = { MONGODB_URI: `mongodb://localhost/?tls=true&tlsCertificateKeyFile=${key}` };
    const keyless = await home.runWith({ args: ["check"], wrapper, env: byKey });
    assertSaid(keyless, 2);
    assertStringIncludes(
      keyless.stderr,
      `tlsCertificateKeyFile names "${key}", which this user may not read: let user ${user} read it`,
    );
  },
});

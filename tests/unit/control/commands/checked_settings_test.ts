import { BSON, Long } from "mongodb";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { inWords } from "../../../../control/commands/check_work.ts";
import { checkedSettings, settingsAndProcessor } from "../../../../control/commands/checked_settings.ts";
import { uriProblem } from "../../../../agent/store/connection/uri.ts";

// The driver looks once whether it runs in a container and waits for no answer: that is no test's leak.
uriProblem("mongodb://db");
for (let turn = 0; turn < 5; turn++) await Deno.lstat(".");

const GOOD = {
  MONGODB_URI: "mongodb://user:hunter2@db.example.com/?replicaSet=rs",
  MONGODB_DATABASE: "shop",
  MONGODB_COLLECTION: "orders",
};

function check(env: Record<string, string>) {
  return settingsAndProcessor((name) => env[name]);
}

async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  return (await assertRejects(() => check(env), UsageError)).problems;
}

Deno.test("settingsAndProcessor() returns settings, processor and warnings if all is well", async () => {
  const { processing, settings, warnings } = await check({
    ...GOOD,
    PROCESSOR: "log",
    CONCURRENCY: "1000",
    BATCH_SIZE: "1",
  });
  assertEquals(settings.mongodbUri, GOOD.MONGODB_URI);
  assertEquals(processing.kind, "single");
  assertEquals(warnings.length, 1);
});

Deno.test("settingsAndProcessor() lists the problems of settings, URI, filter and processor together", async () => {
  const problems = await problemsOf({
    ...GOOD,
    MONGODB_URI: "postgres://db",
    POLL_INTERVAL: "never",
    FILTER: '{"_id": {"$oid": "too short"}}',
    PROCESSOR: "module:/nowhere/processor.js",
  });
  assertEquals(problems.length, 4, problems.join("\n"));
  assertMatch(problems[0]!, /^POLL_INTERVAL is "never"/);
  assertMatch(problems[1]!, /^MONGODB_URI is not a connection string/);
  assertMatch(problems[2]!, /^FILTER is /);
  assertMatch(problems[3]!, /^PROCESSOR=module:\/nowhere\/processor\.js does not exist/);
});

Deno.test("checkedSettings() names MONGODB_URI_FILE if what it holds is wrong", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '"mongodb://other:correct-horse@db/"\n');
    const [problem] = await problemsOf({ ...GOOD, MONGODB_URI: "", MONGODB_URI_FILE: file });
    assertMatch(problem!, /^The content of MONGODB_URI_FILE is not a connection string: .*quotation marks/);
    assert(!problem!.includes("horse"));
  } finally {
    await Deno.remove(file);
  }
});

for (
  const uri of [
    "mongodb://user:hunter2@db:notaport/",
    "mongodb://user:hunter2@db/?nonsense=hunter2",
    "mongodb://user:hun/ter2@db/",
    "mongodb://user:hun%ter2@db/",
    "mongodb://user:hunter2@",
    "user:hunter2@db",
    "https://user:hunter2@db",
    "mongodb+srv://user:hunter2@a,b/",
    "mongodb://user:hunter2@db/?authMechanism=hunter2",
  ]
) {
  Deno.test(`settingsAndProcessor() refuses ${uri} without showing its password`, async () => {
    const problems = (await problemsOf({ ...GOOD, MONGODB_URI: uri })).join("\n");
    assertMatch(problems, /^MONGODB_URI /);
    assertEquals(/hun.?ter2/.test(problems), false, problems);
  });
}

Deno.test("settingsAndProcessor() refuses a near miss of a setting that decides what happens to documents", async () => {
  const env: Record<string, string> = { ...GOOD, PROCESOR: "module:/processor.js", BATCHSIZE: "1" };
  const { problems } = await assertRejects(
    () => settingsAndProcessor((name) => env[name], Object.keys(env)),
    UsageError,
  );
  assertEquals(problems.length, 2, problems.join("|"));
  assertMatch(problems[0]!, /^PROCESOR is set, .*PROCESSOR is not set: rename it/);
  assertMatch(problems[1]!, /^BATCHSIZE is set, .*: did you mean BATCH_SIZE\?$/);

  env.PROCESSOR = "";
  const { warnings } = await settingsAndProcessor((name) => env[name], Object.keys(env));
  assertEquals(warnings.map((warning) => warning.split(" ", 1)[0]), ["PROCESSOR", "BATCHSIZE"]);
});

for (
  const filter of [
    { status: "pending" },
    { kind: "order", error: { $exists: false } },
    { $and: [{ kind: "order" }, { $or: [{ "_pull.attempts": 1 }, { kind: "bill" }] }] },
    { $nor: [{ processed_at: null }] },
  ]
) {
  Deno.test(`settingsAndProcessor() refuses a FILTER on what the agent writes itself: ${JSON.stringify(filter)}`, async () => {
    const problems = await problemsOf({ ...GOOD, FILTER: JSON.stringify(filter) });
    assertMatch(
      problems.join("|"),
      /^FILTER asks for (status|error|_pull\.attempts|processed_at), which [^|]*$/,
    );
  });
}

Deno.test("settingsAndProcessor() keeps the conditions of FILTER that stand beside a regular expression", async () => {
  const { filter } = await check({
    ...GOOD,
    FILTER: '{"a": {"$regex": "^a", "$options": "i", "$ne": "ab"}, "b": {"$regex": "b"}}',
  });
  assertEquals(
    BSON.EJSON.stringify(filter, { relaxed: false }),
    '{"a":{"$regex":{"$regularExpression":{"pattern":"^a","options":"i"}},"$ne":"ab"},' +
      '"b":{"$regularExpression":{"pattern":"b","options":""}}}',
  );
});

Deno.test("settingsAndProcessor() takes a FILTER on fields whose names only look like the agent's", async () => {
  const filter = {
    statuses: 1,
    "customer.status": "new",
    $or: [{ errors: 1 }, { _pulled: null }],
    $expr: true,
  };
  await check({ ...GOOD, FILTER: JSON.stringify(filter) });
});

for (
  const [filter, said] of [
    ["{kind:", 'FILTER is not Extended JSON such as {"kind": "order"}: '],
    ["[]", "FILTER must be a query: an object in Extended JSON"],
    ["null", "FILTER must be a query"],
    ["7", "FILTER must be a query"],
    ['"x"', "FILTER must be a query"],
    ['{"a": {"$oid": "short"}}', "FILTER is not Extended JSON such as"],
  ] as const
) {
  Deno.test(`checkedSettings() says what is wrong with FILTER=${filter}`, () => {
    const { problems } = assertThrows(
      () => checkedSettings((name) => ({ ...GOOD, FILTER: filter } as Record<string, string>)[name]),
      UsageError,
    );
    assertEquals(problems.length, 1, problems.join("\n"));
    assert(problems[0]!.startsWith(said), problems[0]);
  });
}

Deno.test("checkedSettings() never quotes credentials that were put into FILTER", () => {
  for (
    const filter of ["mongodb://user:hunter2@db/$x", '{"uri": "mongodb://user:hunter2@db/"', '["hunter2"]']
  ) {
    const { problems } = assertThrows(
      () => checkedSettings((name) => ({ ...GOOD, FILTER: filter } as Record<string, string>)[name]),
      UsageError,
    );
    assertEquals(problems.join().includes("hunter2"), false, problems.join());
  }
});

Deno.test("checkedSettings() hands on the query that FILTER says, and loads no processor", () => {
  const env: Record<string, string> = {
    ...GOOD,
    FILTER: '{"at": {"$numberLong": "9007199254740993"}}',
    PROCESSOR: "module:/nowhere/processor.js",
  };
  const { filter } = checkedSettings((name) => env[name]);
  assertEquals(filter, { at: Long.fromString("9007199254740993") });
});

Deno.test("inWords() of check prints every setting as it is used, without credentials", async () => {
  const env: Record<string, string> = { ...GOOD, PROCESS_TIMEOUT: "90" };
  const text = inWords(await settingsAndProcessor((name) => env[name]));
  assertMatch(text, /^MONGODB_URI +mongodb:\/\/\*\*\*@db\.example\.com\/\?replicaSet=rs$/m);
  assertMatch(text, /^PROCESS_TIMEOUT +90s$/m);
  assertMatch(text, /^DEAD_LETTER_COLLECTION +orders_dead_letters$/m);
  assertMatch(text, /^FILTER +\(none\)$/m);
  assertMatch(text, /^HTTP_SIGNING_SECRET_FILE +\(none\)$/m);
  assertMatch(text, /The settings are fine\.$/);
  assertEquals(text.includes("hunter2"), false);
});

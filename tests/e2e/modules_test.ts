import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Modules: a module that returns fields has them written with the ack", async () => {
  await using db = await testDatabase("set fields");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module:
      `export default ({ _id }) => ({ set: { total: _id * 2, "nested.at": new Date(0), tags: ["a"] } });`,
  });
  await home.startReady();
  const done = await waitFor("it to be processed", () => documents.findOne({ status: "processed" }));
  const { processed_at: at, _pull, ...rest } = done;
  assert(at instanceof Date);
  assertEquals(
    rest,
    { _id: 1, status: "processed", total: 2, nested: { at: new Date(0) }, tags: ["a"] } as never,
  );
  assertEquals(_pull, { attempts: 1 });
});

Deno.test("Modules: a module that throws is tried again, and MAX_ATTEMPTS makes a dead letter with every error", async () => {
  await using db = await testDatabase("throws");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module:
      `export default (_, { attempt }) => { mark("try " + attempt); throw new Error("failure " + attempt); };`,
    env: { MAX_ATTEMPTS: "3" },
  });
  const agent = await home.startReady();
  const failed = await waitFor("the verdict", () => documents.findOne({ status: "failed" }));
  assertEquals(failed.error, "failure 3");
  assertEquals((await home.marks()).map(({ text }) => text), ["try 1", "try 2", "try 3"]);
  const letter = await db.db.collection("documents_dead_letters").findOne();
  assertEquals([letter!.attempts, letter!.error], [3, "failure 3"]);
  assertEquals(letter!.errors.map(({ message }: { message: string }) => message), [
    "failure 1",
    "failure 2",
    "failure 3",
  ]);
  assertEquals((await agent.log("dead letter")).id, "1");
});

Deno.test("Modules: permanent makes a dead letter at once; retryAfterMs decides when it is tried again", async () => {
  await using db = await testDatabase("kinds of errors");
  const documents = await insertPending(db, ["permanent", "later", "soon"]);
  await using home = await agentHome({
    db,
    module: `export default ({ _id }, { attempt }) => {
      mark(_id + " " + attempt);
      if (_id === "permanent") throw Object.assign(new Error("hopeless"), { permanent: true });
      if (_id === "later") throw Object.assign(new Error("busy"), { retryAfterMs: 3_600_000 });
      if (attempt === 1) throw { message: "not an Error", retryAfterMs: 1 };
    };`,
    env: { RETRY_BACKOFF: "1h", RETRY_BACKOFF_MAX: "1h" },
  });
  await home.startReady();
  await home.untilMarked("soon 2");
  await waitFor(
    "each to have its fate",
    async () => await documents.countDocuments({ status: { $in: ["failed", "processed"] } }) === 2,
  );
  const found = await documents.find().sort({ _id: 1 }).toArray();
  assertEquals(found.map(({ status, error }) => [status, error]), [
    ["pending", "busy"],
    ["failed", "hopeless"],
    ["processed", undefined],
  ]);
  assertEquals((await home.marks()).length, 4);
});

Deno.test("Modules: a module is told what it needs to know, and its log lines carry the document", async () => {
  await using db = await testDatabase("context");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `export default async (document, { attempt, idempotencyKey, log, signal }) => {
      mark(JSON.stringify([document._id, Object.keys(document), attempt, idempotencyKey, signal.aborted]));
      for (const level of ["debug", "info", "warn", "error"]) log[level]("said at " + level, { level, n: 1n });
    };`,
    env: { LOG_LEVEL: "DEBUG" },
  });
  const agent = await home.startReady();
  for (
    const [method, level] of Object.entries({ debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" })
  ) {
    const line = await agent.log(`said at ${method}`);
    assertEquals(line.level, level);
  }
  assertEquals((await home.marks()).map(({ text }) => JSON.parse(text)), [[
    1,
    ["_id", "status"],
    1,
    `${db.name}.documents:{"$numberInt":"1"}`,
    false,
  ]]);
});

Deno.test("PROCESS_TIMEOUT aborts the signal of a module and counts as a failure", async () => {
  await using db = await testDatabase("process timeout");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `export default (_, { signal, attempt }) => attempt > 1 ? undefined : new Promise((_, reject) =>
      signal.addEventListener("abort", () => { mark(signal.reason.name); reject(signal.reason); }));`,
    env: { PROCESS_TIMEOUT: "200ms" },
  });
  const agent = await home.startReady();
  await agent.log("longer than PROCESS_TIMEOUT");
  await waitFor(
    "the second attempt",
    async () => await documents.countDocuments({ status: "processed", "_pull.attempts": 2 }) === 1,
  );
  assertEquals((await home.marks()).map(({ text }) => text), ["ProcessTimeoutError"]);
});

Deno.test("Modules: an object without set is ignored with one WARNING in a process", async () => {
  await using db = await testDatabase("ignored results");
  const documents = await insertPending(db, upTo(5));
  await using home = await agentHome({
    db,
    module: `export default () => ({ total: 3, status: "failed" });`,
  });
  const { stdout, code } = await home.run("run", "--until-empty");
  assertEquals(code, 0, stdout);
  assertEquals(await documents.countDocuments({ status: "processed", total: { $exists: false } }), 5);
  const lines = stdout.trimEnd().split("\n").map((text) => JSON.parse(text)).filter(({ level }) =>
    level === "WARNING"
  );
  assertEquals(lines.map(({ message, fields }) => [message, fields]), [[
    'The processor returned an object without "set", which is ignored: fields are written with { set: { ... } }',
    "total, status",
  ]]);
});

Deno.test("Modules: a module may print, replace globals and change what it was given without harm to others", async () => {
  await using db = await testDatabase("rude module");
  const documents = await insertPending(db, upTo(20));
  await using home = await agentHome({
    db,
    module: `console.log("loading"); console.error("gone %s", "wrong");
      export default (document, context) => {
        console.warn("two\\nlines", { of: ["a", "document"] });
        delete document._id; document.status = "mine"; document._pull = { token: "stolen" };
        try { context.attempt = 99; } catch {}
      };`,
  });
  const agent = await home.startReady();
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed", _pull: { attempts: 1 } }) === 20,
  );
  const levelOf = async (message: string) => (await agent.log(message)).level;
  assertEquals(await levelOf("loading"), "INFO");
  assertEquals(await levelOf("gone wrong"), "ERROR");
  assertEquals(await levelOf("two\nlines { of: [ 'a', 'document' ] }"), "WARNING");
  assertEquals(agent.stderr, "");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Modules: a module that tries to write a field of the agent's makes a dead letter, not a mess", async () => {
  await using db = await testDatabase("reserved fields");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({
    db,
    module:
      `export default ({ _id }) => ({ set: [{ status: "x" }, { "_pull.token": "x" }, { $set: 1 }][_id - 1] });`,
  });
  await home.startReady();
  await waitFor("the verdicts", async () => await documents.countDocuments({ status: "failed" }) === 3);
  const errors = (await documents.find().toArray()).map(({ error }) => String(error));
  for (const error of errors) assertStringIncludes(error, "Cannot write the processor's result");
});

Deno.test("Modules: a module cannot start programs", async () => {
  await using db = await testDatabase("no programs");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `export default async () => {
      try {
        await new Deno.Command("true").output();
        mark("it ran");
      } catch (error) {
        mark(error.name);
      }
    };`,
  });
  await home.startReady();
  const marks = await waitFor("the attempt", async () => {
    const found = await home.marks();
    return found.length > 0 ? found : undefined;
  });
  assertEquals(marks.map(({ text }) => text), ["NotCapable"]);
});

Deno.test("Modules: a module's results that show that something is wrong are not believed", async () => {
  await using db = await testDatabase("results");
  const returned = {
    response: `new Response("", { status: 502 })`,
    error: `new Error("declined")`,
    generator: `(function* () { mark("it ran"); })()`,
    promises: `[Promise.reject(new Error("one of them"))]`,
    map: `new Map([["set", 1]])`,
    headers: `new Headers()`,
    bytes: `new Uint8Array(3)`,
    date: `({ set: { at: new Date("tomorrow") } })`,
    bigint: `({ set: { big: 2n ** 64n } })`,
    code: `({ set: { run: [() => 1] } })`,
    typo: `({ $set: { a: 1 } })`,
  };
  const documents = await insertPending(db, Object.keys(returned));
  const cases = Object.entries(returned).map(([id, value]) => `${id}: () => ${value}`).join(",\n");
  await using home = await agentHome({
    db,
    module: `const returned = { ${cases} };\nexport default async ({ _id }) => returned[_id]();`,
    env: { MAX_ATTEMPTS: "1" },
  });
  await home.startReady();
  const isSettled = { status: { $in: ["processed", "failed"] } };
  const all = Object.keys(returned).length;
  await waitFor("all to be settled", async () => await documents.countDocuments(isSettled) === all);
  const found = await documents.find({}, { sort: { _id: 1 } }).toArray();
  const outcomes = Object.fromEntries(found.map(({ _id, status, error }) => [_id, error ?? status]));
  const wrong = "Cannot write the processor's result: ";
  assertEquals(outcomes as Record<string, unknown>, {
    bigint: `${wrong}set.big is a BigInt of more than 64 bits: write it as text, or as a Decimal128`,
    bytes: "processed",
    code: `${wrong}set.run[0] is a function, which cannot be written`,
    date: `${wrong}set.at is an invalid Date`,
    error: "declined",
    generator:
      "The processor returned an iterator (an object), whose work begins when its values are asked for, and the agent does not: " +
      "write `async function`, not `function*`, and await what is to be done",
    headers: "processed",
    map: "processed",
    promises: "one of them",
    response: "The processor returned an answer with the status 502",
    typo: `The processor returned "$set": fields to be written stand under "set", { set: { ... } }`,
  });
  assertEquals(await home.marks(), []);
});

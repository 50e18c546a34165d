import { assertEquals, assertMatch } from "@std/assert";
import { SYSTEM } from "../../../../agent/lib/time_and_chance.ts";
import type { Processing } from "../../../../agent/processors/processor.ts";
import { nextRunOfNew } from "../../../../agent/store/documents/next_run.ts";
import { documentLog } from "../../../../agent/telemetry/document_log.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { Trial } from "../../../../control/try/trial.ts";
import { TARGETS } from "../../../support/results.ts";
import { triedJson, triedLine } from "../../../../control/try/tried_text.ts";

const SETTINGS = {
  batchSize: 3,
  maxAttempts: 3,
  maxSnoozeMs: 60_000,
  processTimeoutMs: 1000,
  retryBackoffMaxMs: 60_000,
  retryBackoffMs: 60_000,
  ...TARGETS,
};
const log = new Logger({ level: "ERROR", format: "json", output: { add() {}, lose() {} } });
const logs = { logFor: () => documentLog(log, () => ({})) };
const trialOf = (processing: Processing) =>
  new Trial({ processing, settings: SETTINGS, logs }, { ...SYSTEM, random: () => 0.5 });
const single = (process: () => unknown): Processing => ({ kind: "single", process });
const documentWith = (fields: Record<string, unknown>) => nextRunOfNew({ _id: 7, ...fields }, "db.orders");
const pending = (attempts: number) => documentWith({ status: "pending", _pull: { attempts } });

/** What is printed of one trial, with the time that it took as `N`. */
async function shown(process: () => unknown, document = pending(0)): Promise<{ line: string; json: string }> {
  const [tried] = await trialOf(single(process)).run([document]);
  const line = triedLine(tried!, SETTINGS.maxAttempts).replace(/\d+ ms( {2}|$)/, "N ms$1").replace(
    / +/g,
    " ",
  );
  return { line, json: triedJson(tried!).replace(/"ms":\d+/, '"ms":N') };
}

const fail = (fields: object) => () => {
  throw Object.assign(new Error("boom"), fields);
};
const KEY = String.raw`"idempotency_key":"db.orders:{\"$numberInt\":\"7\"}"`;

Deno.test("Trial: a result with set is processed, and its values are exact", async () => {
  const { line, json } = await shown(() => ({ set: { a: 2n ** 60n, b: new Date(0), c: undefined } }));
  const set = '{"a":{"$numberLong":"1152921504606846976"},"b":{"$date":"1970-01-01T00:00:00.000Z"}}';
  assertEquals(line, `7 processed N ms set ${set}`);
  assertEquals(json, `{"id":7,"outcome":"processed","attempt":1,${KEY},"ms":N,"set":${set}}`);
});

Deno.test("Trial: writes are shown in short in the table, and as Extended JSON", async () => {
  const writes = [
    { collection: "invoices", insertOne: { total: 2n ** 60n, at: new Date(0) } },
    { collection: "stock", updateOne: { filter: { sku: 1 }, update: { $inc: { n: -1 } }, upsert: true } },
    { collection: "stock", updateOne: { filter: { sku: 2 }, update: [{ $unset: "n" }] } },
    { collection: "totals", replaceOne: { filter: {}, replacement: { n: 1 } } },
    { collection: "open", deleteOne: { filter: { order: 7 } } },
  ];
  const { line, json } = await shown(() => ({ set: { a: 1 }, writes }));
  const inserted =
    '{"total":{"$numberLong":"1152921504606846976"},"at":{"$date":"1970-01-01T00:00:00.000Z"}}';
  assertEquals(
    line,
    `7 processed N ms set {"a":1}; insert into invoices ${inserted}; ` +
      'update or insert in stock {"sku":1} by {"$inc":{"n":-1}}; update in stock {"sku":2} by [{"$unset":"n"}]; ' +
      'replace in totals {} by {"n":1}; delete from open {"order":7}',
  );
  assertEquals(
    json,
    `{"id":7,"outcome":"processed","attempt":1,${KEY},"ms":N,"set":{"a":1},"writes":[` +
      `{"collection":"invoices","insertOne":${inserted}},` +
      '{"collection":"stock","updateOne":{"filter":{"sku":1},"update":{"$inc":{"n":-1}},"upsert":true}},' +
      '{"collection":"stock","updateOne":{"filter":{"sku":2},"update":[{"$unset":"n"}]}},' +
      '{"collection":"totals","replaceOne":{"filter":{},"replacement":{"n":1}}},' +
      '{"collection":"open","deleteOne":{"filter":{"order":7}}}]}',
  );
});

Deno.test("Trial: long writes and many are cut in the table, and whole in JSON", async () => {
  const writes = Array.from({ length: 8 }, () => ({ collection: "a", insertOne: { text: "x".repeat(500) } }));
  const { line, json } = await shown(() => ({ writes }));
  const one = `; insert into a {"text":"${"x".repeat(91)}…`;
  assertEquals(line, `7 processed N ms 8 writes${one.repeat(5)}`);
  assertEquals(json.match(/x{500}/g)?.length, 8);
});

Deno.test("Trial: nothing returned is processed", async () => {
  assertEquals((await shown(() => {})).line, "7 processed N ms");
});

Deno.test("Trial: fields beside set are told to be ignored", async () => {
  const { line, json } = await shown(() => ({ total: 3 }));
  assertMatch(line, /^7 processed N ms ignored: total \(only fields under "set"/);
  assertMatch(json, /"ignored":\["total"\]/);
});

Deno.test("Trial: an error is a retry with the backoff of its attempt, and a dead letter at the last", async () => {
  assertEquals((await shown(fail({}))).line, "7 retry N ms attempt 1 of 3, again in 30 s: boom");
  assertEquals((await shown(fail({}), pending(2))).line, "7 dead letter N ms attempt 3 of 3, the last: boom");
  assertEquals((await shown(fail({ permanent: true }))).line, "7 dead letter N ms at once: boom");
});

Deno.test("Trial: retryAfterMs is shown as it is asked for", async () => {
  const { line, json } = await shown(fail({ retryAfterMs: 1500 }));
  assertEquals(line, "7 retry N ms attempt 1 of 3, again in 1.5 s: boom");
  assertMatch(json, /"error":"boom","retry_in_ms":1500\}$/);
});

Deno.test("Trial: documents of a batch are told apart, and those that would not run are left out of it", async () => {
  const given: unknown[] = [];
  const trial = trialOf({
    kind: "batch",
    processBatch: (documents) => {
      given.push(...documents.map(({ n }) => n));
      return documents.map(({ n }) => n === 1 ? new Error("one") : undefined);
    },
  });
  assertEquals(trial.batchSize, 3);
  const dead = { _pull: { attempts: 1, dead_at: new Date() }, error: "before" };
  const tried = await trial.run([
    documentWith({ status: "pending", n: 1 }),
    documentWith({ status: "pending", n: 2, ...dead }),
    documentWith({ status: "pending", n: 3 }),
  ]);
  assertEquals(given, [1, 3]);
  assertEquals(tried.map(({ outcome }) => outcome.kind), ["nack", "finish_verdict", "ack"]);
  assertMatch(triedLine(tried[1]!, 3), /dead letter +not run {2}decided before: before$/);
});

Deno.test("Trial: stop() aborts the processor and closes what it keeps open", async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<AbortSignal>();
  let closed = 0;
  const trial = trialOf({
    kind: "single",
    process: (_, { signal }) => {
      start(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    close: () => Promise.resolve(void closed++),
  });
  trial.run([pending(0)]);
  const signal = await started;
  await trial.stop();
  assertEquals([signal.aborted, closed], [true, 1]);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AgentEvent, Events } from "../../../agent/events.ts";
import { GroupedLog } from "../../../agent/telemetry/grouped_log.ts";
import { Logger } from "../../../agent/telemetry/logger.ts";
import { DeadLetterAlerts } from "../../../control/alerts/dead_letter_alerts.ts";
import type { Posting } from "../../../control/alerts/webhook.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { RecordedLines } from "../../support/recorded_lines.ts";
import { safe } from "../../support/safe_text.ts";

const MINUTE_MS = 60_000;

interface Body {
  text: string;
  pattern: string;
  count: number;
  example: { id: string; attempt: number; error: string };
  [field: string]: unknown;
}

/** A webhook that does what a test says. */
class Hook {
  readonly bodies: Body[] = [];
  /** Requests under way, and the most at once. */
  #open = 0;
  most = 0;
  isClosed = false;
  answer: (posting: Posting) => Promise<void> = () => Promise.resolve();

  async post(body: unknown, posting: Posting): Promise<void> {
    this.bodies.push(body as Body);
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    try {
      await this.answer(posting);
    } finally {
      this.#open -= 1;
    }
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function setUp() {
  const clock = new ManualClock();
  const output = new RecordedLines();
  const log = new Logger({ level: "INFO", format: "json", output });
  const events = new Events();
  const webhook = new Hook();
  const source = { agent: "pod-1", database: "shop", collection: "orders" };
  const grouped = new GroupedLog(log, clock);
  const alerts = new DeadLetterAlerts({ clock, events, formatId: String, grouped, log, source, webhook });
  const fail = (...errors: string[]) => {
    for (const [id, error] of errors.entries()) {
      const event: AgentEvent = { type: "dead_lettered", id, attempt: 5, error: safe(error) };
      events.emit(event);
    }
  };
  const lines = () => output.lines.map((line) => JSON.parse(line));
  return { alerts, clock, fail, lines, webhook };
}

const many = (count: number, error: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => error(i));
const refusal = (retryAfterMs?: number) =>
  Object.assign(new Error("https://hooks answered 429"), { retryAfterMs });
const sums = ({ bodies }: Hook) => bodies.map(({ pattern, count }) => [pattern, count]);

Deno.test("ON_DEAD_LETTER reports the letters of one write together, with an example", async () => {
  const { clock, fail, lines, webhook } = setUp();
  fail("order 1 has no price", "order 2 has no price", "order 3 has no price");
  await clock.advance(0);
  assertEquals(webhook.bodies.length, 1);
  const { first_at, last_at, ...body } = webhook.bodies[0]!;
  assertEquals(body, {
    version: 1,
    text: "3 dead letters in shop.orders, such as: order 3 has no price (id 2, attempt 5, agent pod-1)",
    agent: "pod-1",
    database: "shop",
    collection: "orders",
    pattern: "order # has no price",
    count: 3,
    example: { id: "2", attempt: 5, error: "order 3 has no price" },
  });
  for (const time of [first_at, last_at]) assertMatch(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(lines(), []);
});

Deno.test("ON_DEAD_LETTER posts at most once a minute for each kind of error, and counts what came since", async () => {
  const { clock, fail, webhook } = setUp();
  for (let seconds = 0; seconds < 180; seconds++) {
    fail(`no price for ${seconds}`, "no such customer");
    await clock.advance(1000);
  }
  const of = (wanted: string) =>
    sums(webhook).filter(([pattern]) => pattern === wanted).map(([, count]) => count);
  assertEquals(of("no price for #"), [1, 59, 60, 60]);
  assertEquals(of("no such customer"), [1, 60, 60]);
  assertEquals(webhook.most, 1);
  await clock.advance(3 * MINUTE_MS);
  const sent = webhook.bodies.reduce((sum, { count }) => sum + count, 0);
  assertEquals([sent, clock.pending], [360, 0]);
});

Deno.test("ON_DEAD_LETTER posts one request a second if there are many kinds of errors, and bounds their number", async () => {
  const { clock, fail, webhook } = setUp();
  const letter = (index: number) =>
    String.fromCharCode(97 + index % 26) + String.fromCharCode(97 + Math.floor(index / 26));
  fail(...many(500, (index) => `no such ${letter(index)}`));
  await clock.advance(10_000);
  assertEquals(webhook.bodies.length, 11);
  await clock.advance(MINUTE_MS);
  assertEquals(webhook.bodies.length, 51);
  const others = webhook.bodies.filter(({ pattern }) => pattern === "(other errors)");
  assertEquals(others.map(({ count }) => count), [450]);
});

Deno.test("ON_DEAD_LETTER waits a minute after a failure, loses no count by it, and logs it once a minute", async () => {
  const { clock, fail, lines, webhook } = setUp();
  webhook.answer = () => Promise.reject(new Error("https://hooks cannot be reached"));
  const errors = many(10, (index) => `no such ${"abcdefghij"[index]}`);
  for (let minute = 0; minute < 5; minute++) {
    fail(...errors);
    await clock.advance(MINUTE_MS);
  }
  assertEquals(webhook.bodies.length, 6);
  const [first, ...more] = lines();
  assertEquals([first.level, first.message], ["WARNING", "Cannot report dead letters to ON_DEAD_LETTER"]);
  assertEquals([first.error, first.letters], ["https://hooks cannot be reached", 10]);
  assert(more.length <= 5, JSON.stringify(more));
  webhook.bodies.length = 0;
  webhook.answer = () => Promise.resolve();
  await clock.advance(2 * MINUTE_MS);
  assertEquals(webhook.bodies.length, 10);
  assertEquals(webhook.bodies.reduce((sum, { count }) => sum + count, 0), 50);
});

Deno.test("ON_DEAD_LETTER waits as long as the answer asks for, at most an hour", async () => {
  for (
    const [asked, waitedMs] of [[5 * MINUTE_MS, 5 * MINUTE_MS], [1000, MINUTE_MS], [
      1e12,
      60 * MINUTE_MS,
    ]] as const
  ) {
    const { clock, fail, webhook } = setUp();
    webhook.answer = () => Promise.reject(refusal(asked));
    fail("a");
    await clock.advance(waitedMs - 1);
    fail("a", "b");
    assertEquals(webhook.bodies.length, 1);
    webhook.answer = () => Promise.resolve();
    await clock.advance(1);
    assertEquals(webhook.bodies.length, 2);
  }
});

Deno.test("ON_DEAD_LETTER never has two requests under way, and counts what comes meanwhile", async () => {
  const { clock, fail, webhook } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  webhook.answer = () => promise;
  fail("a");
  await clock.advance(0);
  for (let seconds = 0; seconds < 200; seconds++) {
    fail("a", "b", "c");
    await clock.advance(1000);
  }
  assertEquals([webhook.bodies.length, webhook.most], [1, 1]);
  resolve();
  await clock.advance(2 * MINUTE_MS);
  assertEquals(sums(webhook).slice(1).sort(), [["a", 200], ["b", 200], ["c", 200]]);
  assertEquals(webhook.most, 1);
});

Deno.test("ON_DEAD_LETTER posts what is left at the end, due or not", async () => {
  const { alerts, clock, fail, lines, webhook } = setUp();
  fail("a");
  await clock.advance(0);
  fail("a", "a", "b");
  const ended = alerts.end(2000);
  await clock.advance(0);
  await ended;
  assertEquals(sums(webhook).sort(), [["a", 1], ["a", 2], ["b", 1]]);
  assertEquals([webhook.isClosed, lines(), clock.pending], [true, [], 0]);
});

Deno.test("ON_DEAD_LETTER ends in time with a webhook that never answers, and logs what it could not report", async () => {
  const { alerts, clock, fail, lines, webhook } = setUp();
  webhook.answer = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  fail("a", "b", "b");
  let isOver = false;
  const ended = alerts.end(2000).then(() => isOver = true);
  await clock.advance(1999);
  assert(!isOver);
  await clock.advance(1);
  await ended;
  assertEquals(lines().map(({ level, letters }) => [level, letters]), [["WARNING", 3]]);
  assertEquals([webhook.isClosed, clock.pending], [true, 0]);
});

Deno.test("ON_DEAD_LETTER stops at the first failure when it ends", async () => {
  const { alerts, clock, fail, lines, webhook } = setUp();
  webhook.answer = () => Promise.reject(new Error("no"));
  fail(...many(20, (index) => "abcdefghijklmnopqrst"[index]!));
  const ended = alerts.end(2000);
  await clock.advance(0);
  await ended;
  assertEquals(webhook.bodies.length, 1);
  assertEquals(lines().at(-1).letters, 20);
});

Deno.test("ON_DEAD_LETTER notifies no one by what stands in an error, and keeps it in one line", async () => {
  const { clock, fail, webhook } = setUp();
  fail("<!channel> & <@U123>\nsecond line");
  await clock.advance(0);
  const [{ example, text }] = webhook.bodies as [Body];
  assertMatch(text, /: &lt;!channel&gt; &amp; &lt;@U123&gt; second line \(id 0/);
  assertEquals(example.error, "<!channel> & <@U123>\nsecond line");
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { BSON } from "mongodb";
import { PermanentError } from "../../../../../agent/errors.ts";
import { answeredResult } from "../../../../../agent/processors/answers/answered.ts";
import { Answers } from "../../../../../agent/processors/answers/answers.ts";
import { AnswerLines } from "../../../../../agent/processors/exec/answer_lines.ts";
import type { ResultScope } from "../../../../../agent/processors/writes/effect_writes.ts";
import type { HandlerResult } from "../../../../../agent/settling/outcome.ts";
import { entriesOf, resultOf, TARGETS } from "../../../../support/results.ts";
import { insert, RIGHT, WRONG } from "./write_cases.ts";

const answers = await Answers.load();
const lines = new AnswerLines(answers);

const filter = { number: 5 };
const update = { $set: { paid: true } };

/** How each kind of processor says the same, and what comes in at its door. */
const DOORS: Record<string, (result: unknown) => unknown> = {
  module: (result) => result,
  service: (result) => answers.answerOf(BSON.EJSON.stringify(result)),
  program: (result) => {
    const line = BSON.EJSON.stringify({ id: "1", ok: true, result });
    const said = lines.read(new TextEncoder().encode(line));
    assert("answer" in said);
    return answeredResult(said.answer.result);
  },
};

async function through(door: string, result: unknown, scope?: Partial<ResultScope>): Promise<HandlerResult> {
  let returned: unknown;
  try {
    returned = DOORS[door]!(result);
  } catch (error) {
    return { ok: false, error };
  }
  return await resultOf(returned, scope);
}

for (const door of Object.keys(DOORS)) {
  for (const write of RIGHT) {
    Deno.test(`resultOf() takes the writes of a ${door}: ${Deno.inspect(write, { depth: 9 })}`, async () => {
      const result = await through(door, { set: { a: 1 }, writes: [write, insert] });
      assert(result.ok, String((result as { error?: unknown }).error));
      assertEquals(BSON.EJSON.stringify(result.writes), BSON.EJSON.stringify([write, insert]));
      const bytes = [{ a: 1 }, { writes: result.writes }].map((each) => BSON.serialize(each).length);
      // What holds the list is not counted.
      assertEquals(result.resultBytes, bytes[0]! + bytes[1]! - "x writes 0".length + 2);
    });
  }
}

/** What is said of writes that do not stand under `writes`. */
const UNDER_WRITES = /stand under "writes"|means nothing to the agent/;
for (const door of Object.keys(DOORS)) {
  for (const [write, message] of WRONG) {
    Deno.test(`resultOf() refuses the writes of a ${door}: ${Deno.inspect(write, { depth: 9 })}`, async () => {
      const result = await through(door, { writes: [insert, write] });
      assert(!result.ok);
      assert(result.error instanceof PermanentError, String(result.error));
      assertMatch(result.error.message, /^Cannot write the processor's result: writes\[1\]/);
      assertMatch(result.error.message, message);
    });
  }

  for (
    const [result, message] of [
      [{ writes: { ...insert } }, /"writes" must be an array/],
      [{ writes: "invoices" }, /"writes" must be an array/],
      [
        { writes: [insert], snoozeMs: 5 },
        /"writes" is written when a document is processed, and "snoozeMs" puts it off/,
      ],
      [{ write: [insert] }, UNDER_WRITES],
      [{ Writes: [insert] }, UNDER_WRITES],
      [{ effects: [insert] }, UNDER_WRITES],
      [{ bulkWrite: insert }, UNDER_WRITES],
      [insert, UNDER_WRITES],
      [{ collection: "a", insert_one: {} }, UNDER_WRITES],
      [{ writes: [insert], total: 3 }, /"total"/],
      [
        { writes: Array.from({ length: 1001 }, () => insert) },
        /has 1001 writes, and 1000 are the most for one document/,
      ],
      [
        {
          writes: Array.from(
            { length: 9 },
            () => ({ collection: "a", insertOne: { text: "x".repeat(1 << 20) } }),
          ),
        },
        /: writes have more than 8 MiB, the most for one document: /,
      ],
    ] as [unknown, RegExp][]
  ) {
    Deno.test(`resultOf() refuses the result of a ${door}: ${Deno.inspect(result).slice(0, 99)}`, async () => {
      const judged = await through(door, result);
      assert(!judged.ok);
      assert(judged.error instanceof PermanentError, String(judged.error));
      assertMatch(judged.error.message, message);
    });
  }

  for (const writes of [undefined, null, []]) {
    Deno.test(`resultOf() takes writes: ${Deno.inspect(writes)} of a ${door} for none`, async () => {
      assertEquals(await through(door, { writes }), { ok: true });
    });
  }

  Deno.test(`resultOf() lets a ${door} write to the collections of WRITES_TO alone`, async () => {
    const writing = async (writesTo: readonly string[]) => {
      const result = await through(door, { writes: [insert] }, { targets: { ...TARGETS, writesTo } });
      return result.ok ? "written" : (result.error as Error).message;
    };
    assertEquals(await writing(["audit", "invoices"]), "written");
    const said =
      `Cannot write the processor's result: writes[0].collection is "invoices", which WRITES_TO does not allow: `;
    assertEquals(
      await writing(["audit", "stock"]),
      `${said}name it there, or write to one of those that it names (audit, stock)`,
    );
    assertEquals(await writing([]), `${said}it allows no writes, change it if they are wanted`);
  });
}

for (
  const [writes, message] of [
    [
      [insert, insert, { collection: "a", insertOne: { price: () => 5 } }],
      /: writes\[2\]\.insertOne\.price is a function, which cannot be written$/,
    ],
    [
      [{ collection: "a", insertOne: { lines: [1, new Map()] } }],
      /: writes\[0\]\.insertOne\.lines\[1\] is Map, /,
    ],
    [
      [{ collection: "a", updateOne: { filter: { at: new Date(NaN) }, update } }],
      /updateOne\.filter\.at is an invalid Date/,
    ],
    [
      [{ collection: "a", deleteOne: { filter: { order: undefined } } }],
      /filter\.order is undefined, and would be left out/,
    ],
    [
      [{ collection: "a", updateOne: { filter: { $or: [{ a: undefined }] }, update } }],
      /\$or\[0\]\.a is undefined, and/,
    ],
    [
      [{ collection: "a", updateOne: { filter, update: { $inc: { n: undefined } } } }],
      /update\.\$inc\.n is undefined, and/,
    ],
    [[undefined], /: writes\[0\] is undefined/],
    [[new (class Insert {})()], /: writes\[0\] is Insert, which cannot be written/],
    [new Set([insert]), /"writes" must be an array .*, not Set/],
  ] as [unknown, RegExp][]
) {
  Deno.test(`resultOf() refuses a module's writes that cannot be written as they are: ${message.source}`, async () => {
    const result = await resultOf({ writes });
    assert(!result.ok && result.error instanceof PermanentError);
    assertMatch(result.error.message, message);
  });
}

Deno.test("resultOf() leaves out what is undefined in an inserted document, and in options", async () => {
  const result = await resultOf({
    writes: [
      { collection: "a", insertOne: { filter: { a: undefined }, b: undefined } },
      { collection: "a", updateOne: { filter, update, upsert: undefined } },
      { collection: "a", replaceOne: { filter, replacement: { a: undefined }, upsert: null } },
    ],
  });
  assert(result.ok);
  assertEquals(result.writes, [
    { collection: "a", insertOne: { filter: {} } },
    { collection: "a", updateOne: { filter, update } },
    { collection: "a", replaceOne: { filter, replacement: {} } },
  ]);
});

Deno.test("resultOf() copies writes: what the module does to its objects afterwards changes nothing", async () => {
  const mine = { collection: "a", insertOne: { lines: [{ price: 1 }] } };
  const writes = [mine];
  const result = await resultOf({ writes });
  mine.collection = "system.users";
  mine.insertOne.lines[0]!.price = 2;
  writes.push(mine);
  assert(result.ok);
  assertEquals(result.writes, [{ collection: "a", insertOne: { lines: [{ price: 1 }] } }]);
});

Deno.test("resultOf() reads each part of a write once, so that none can change after its check", async () => {
  let reads = 0;
  const write = {
    insertOne: {},
    get collection() {
      return ++reads === 1 ? "invoices" : "orders_dead_letters";
    },
  };
  const result = await resultOf({ writes: [write] });
  assert(result.ok);
  assertEquals(result.writes, [{ insertOne: {}, collection: "invoices" }]);
});

Deno.test("resultOf() takes a document as deep as under set, and none deeper", async () => {
  const deep = (levels: number): object => levels === 1 ? {} : { a: deep(levels - 1) };
  const inserting = (levels: number) =>
    resultOf({ writes: [{ collection: "a", insertOne: { f: deep(levels) } }] });
  assert((await inserting(180)).ok);
  assert(!(await inserting(181)).ok);
});

Deno.test("resultOf() takes no method named writes for a result", async () => {
  class Stream {
    writes() {}
  }
  assertEquals(await resultOf(new Stream()), { ok: true });
});

Deno.test("entriesOf() takes the writes of each document, and lets wrong ones fail alone", async () => {
  const [one, two, three] = await entriesOf([{ writes: [insert] }, { writes: [5] }, null], 3);
  assert(!two!.ok);
  assertEquals([one, three], [{ ok: true, writes: [insert], resultBytes: 70 }, { ok: true }]);
});

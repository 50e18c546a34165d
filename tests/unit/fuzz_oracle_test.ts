import { assertEquals, assertMatch } from "@std/assert";
import { BSON, Int32, Timestamp } from "bson";
import { type Fate, judge } from "../fuzz/oracle.ts";
import { brokenInLog, brokenInText } from "../fuzz/output.ts";

const BEFORE = { _id: 1, a: "x", status: "pending", fuzz: 0 };
const PROCESSED = { ...BEFORE, status: "processed", processed_at: new Date(), _pull: { attempts: 1 } };
const FAILED = { ...BEFORE, status: "failed", error: "no", _pull: { attempts: 3, dead_at: new Date() } };
const LETTER = { _id: 1, document: { ...BEFORE, status: "failed" } };
const PLAN = { number: 0, bytes: bytes(BEFORE), plan: "succeed" } as const;
const GOOD: Fate = {
  task: PLAN,
  before: bytes(BEFORE),
  after: bytes(PROCESSED),
  letter: undefined,
  runs: 1,
  effects: 0,
};
const HOPELESS: Fate = {
  ...GOOD,
  task: { ...PLAN, plan: "fail" },
  after: bytes(FAILED),
  letter: bytes(LETTER),
  runs: 3,
};
const KNOWN = { maxAttempts: 3, toldOf: 0, refused: 0, leasesLost: 0 };

function bytes(document: BSON.Document): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BSON.serialize(document));
}

Deno.test("judge() accepts a document that ended according to its plan", () => {
  assertEquals(judge([GOOD, HOPELESS], KNOWN), []);
  assertEquals(judge([{ ...GOOD, runs: 4 }], { ...KNOWN, leasesLost: 1 }), []);
  const scheduled = { ...BEFORE, _pull: { visible_at: new Date(Date.now() + 3_600_000) } };
  const later = { ...GOOD, before: bytes(scheduled), after: bytes(scheduled), runs: 0 };
  assertEquals(judge([later], KNOWN), []);
  assertEquals(judge([{ ...GOOD, after: bytes(BEFORE), runs: 0 }], { ...KNOWN, toldOf: 1 }), []);
});

for (
  const [what, fate, says] of [
    ["is gone", { after: undefined }, /lost/],
    ["stays pending without a word", { after: bytes(BEFORE) }, /does not tell/],
    ["stays processing", { after: bytes({ ...BEFORE, status: "processing" }) }, /stay processing/],
    ["was seen by no handler", { runs: 0 }, /no handler has seen/],
    ["ran too often", { runs: 4 }, /ran 4 times/],
    ["lost a field", { after: bytes({ ...PROCESSED, a: undefined }) }, /changed/],
    ["has a field of another type", { after: bytes({ ...PROCESSED, fuzz: new Timestamp(0n) }) }, /changed/],
    ["has a field too many", { after: bytes({ ...PROCESSED, b: 1 }) }, /changed/],
    [
      "keeps its lease",
      { after: bytes({ ...PROCESSED, _pull: { attempts: 1, token: "t" } }) },
      /keeps bookkeeping/,
    ],
    ["has no effect", { task: { ...PLAN, plan: "write" } }, /has 0 effects instead of 1/],
    ["has its effect twice", { task: { ...PLAN, plan: "write" }, effects: 2 }, /has 2 effects instead of 1/],
    [
      "has an effect and is not processed",
      { after: bytes(BEFORE), effects: 1 },
      /has 1 effects instead of 0/,
    ],
    ["lacks what its handler set", { task: { ...PLAN, plan: "set" } }, /set/],
    ["is processed though its handler failed", { task: { ...PLAN, plan: "fail" } }, /whose handler failed/],
    ["is failed without a letter", { ...HOPELESS, letter: undefined }, /no dead letter/],
    [
      "has a letter of another text",
      { ...HOPELESS, letter: bytes({ _id: 1, document: { ...LETTER.document, a: "y" } }) },
      /not its source/,
    ],
    [
      "has a letter of another type",
      { ...HOPELESS, letter: bytes({ _id: 1, document: { ...LETTER.document, fuzz: new Int32(1) } }) },
      /not its source/,
    ],
    [
      "was processed though it was not pending",
      { before: bytes({ ...BEFORE, status: "done" }) },
      /whose status was done/,
    ],
  ] as [string, Partial<Fate>, RegExp][]
) {
  Deno.test(`judge() finds that a document ${what}`, () => {
    assertMatch(judge([{ ...GOOD, ...fate }], KNOWN).join("\n"), says);
  });
}

Deno.test("judge() finds a document that failed without a failed handler or a refusal", () => {
  const failed = { ...HOPELESS, task: PLAN };
  assertEquals(judge([failed], KNOWN), []);
  assertMatch(
    judge([failed], { ...KNOWN, onlyHandlersFail: true }).join(),
    /^A document failed without reason/,
  );
  assertEquals(judge([HOPELESS], { ...KNOWN, onlyHandlersFail: true }), []);
});

Deno.test("brokenInText() finds stacks, bugs and secrets, and nothing in plain sentences", () => {
  assertEquals(brokenInText("pulling-agent: BATCH_SIZE must be a whole number", ["s3cret"]), []);
  for (
    const text of [
      "error\n    at run (file:///x.js:1:2)",
      "this is a bug: report it with what follows",
      "uri s3cret",
      "[object Object]",
    ]
  ) {
    assertEquals(brokenInText(text, ["s3cret"]).length, 1, text);
  }
});

Deno.test("brokenInLog() finds lines that are not the agent's JSON", () => {
  assertEquals(brokenInLog([{ index: 0, level: "INFO", message: "Started" }]), []);
  assertEquals(brokenInLog([{ index: 0, level: "", message: "Started" }]).length, 1);
});

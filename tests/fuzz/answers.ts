import { integerFrom, pick } from "../support/random.ts";

/** What an answer means: done, done with the field `value`, a failure, or any of these. */
export type Meaning = "done" | "set" | "fail" | "any";

/** A text that a service or a program answers with, and what it means. */
export interface AnswerText {
  text: string;
  meaning: Meaning;
}

const DONE = ["null", "{}", '{"ok":true}', '{"set":null}', '{"set":{}}', ' {"message":null}\n'];
const FAILURES = [
  ...[
    '{"message":"no"}',
    '{"ok":false}',
    '{"ok":false,"error":"no"}',
    '{"error":{"message":"no","permanent":true}}',
  ],
  ...['{"message":"no","permanent":true}', '{"message":"no","retryAfterMs":1}', '{"ok":true,"message":"no"}'],
  ...[
    '{"total":3}',
    "[1]",
    '"text"',
    "3",
    "true",
    '{"set":[]}',
    '{"set":"x"}',
    '{"set":',
    "{'set': 1}",
    "NaN",
    "[[[[",
  ],
  ...[
    '{"set":{"_id":1}}',
    '{"set":{"status":"x"}}',
    '{"set":{"_pull":1}}',
    '{"set":{"$inc":1}}',
    '{"set":{"a.$b":1}}',
  ],
  ...[
    '{"set":{"value":99999999999999999999}}',
    '{"set":{"value":NaN}}',
    '{"snoozeMs":-1}',
    '{"snoozeMs":"1"}',
  ],
  ...['{"set":{"value":1},"total":2}', '{"set":{"a":1,"a.b":2}}', '{"permanent":true}', '{"retryAfterMs":0}'],
  ...[
    '{"ok":1}',
    '{"writes":3}',
    '{"set":{"":1}}',
    "[".repeat(20_000),
    '{"a":'.repeat(5000),
    "\u0000",
  ],
];

/** An answer about the document with this number, without what surrounds it. */
export function randomAnswerText(random: () => number, number: number): AnswerText {
  switch (pick(random, ["done", "set", "set", "fail", "cut"] as const)) {
    case "done":
      return { text: pick(random, DONE), meaning: "done" };
    case "set":
      return { text: `{"set":{"value":${number}}}`, meaning: "set" };
    case "fail":
      return { text: pick(random, FAILURES), meaning: "fail" };
    case "cut": {
      const whole = `{"ok": false, "error": "no"}`;
      return { text: whole.slice(0, integerFrom(random, 1, whole.length - 1)), meaning: "fail" };
    }
  }
}

import { assertEquals } from "@std/assert";
import { errorPattern } from "../../../../agent/text/error_pattern.ts";
import { testRandom } from "../../../support/random.ts";
import { commandsIn, randomText } from "../../../support/random_text.ts";

/** Errors that are one, each with the pattern. */
const ALIKE: Record<string, string[]> = {
  "order # not found": [
    "order 17 not found",
    "order 4.5 not found",
    "order 65f0c0ffee0123456789abcd not found",
  ],
  "no # in stock": [
    "no 0b5a4c1e-6a38-4e4e-9c57-0e6bd3b2c5a1 in stock",
    "no 01HZX3KQ7M8N9P0QRSTVWXYZ12 in stock",
    "no 0xFF in stock",
    "no 12,000.50 in stock",
  ],
  "due at #": ["due at 2026-11-26T10:22:52.123Z", "due at 2026-11-26", "due at 2026-11-26 10:22:52+01:00"],
  'unknown customer "…"': ['unknown customer "Ann"', 'unknown customer "O\'Hara"', 'unknown customer ""'],
  "unknown '…' in `…`": ["unknown 'a' in `b`", "unknown 'Bob' in `orders`"],
  "can't reach host#, won't retry": ["can't reach host1, won't retry", "can't reach host22, won't retry"],
  "two lines": ["two\n  lines", "two\tlines"],
  "Request for order # failed with status code 404": [
    "Request for order 17 failed with status code 404",
    "Request for order 18 failed with status code 404",
  ],
  "unknown zip code #, status #, answered #": [
    "unknown zip code 123, status 12345, answered 10.5",
    "unknown zip code 124, status 65f0c0ffee, answered 11.5",
  ],
  "failed after # ms (attempt # of #)": [
    "failed after 17 ms (attempt 1 of 5)",
    "failed after 9 ms (attempt 4 of 5)",
  ],
};

for (const [pattern, errors] of Object.entries(ALIKE)) {
  Deno.test(`errorPattern() is "${pattern}" for errors that differ in what it blanks`, () => {
    assertEquals(errors.map(errorPattern), errors.map(() => pattern));
  });
}

Deno.test("errorPattern() tells different errors apart", () => {
  const errors = [
    "no such customer",
    "no such order",
    "timeout of the bank",
    "customer 1: gone",
    "order 1: gone",
    "https://api.example.com/orders answered 401",
    "https://api.example.com/orders answered 503: try later",
    "Request failed with status code 404",
    "Request failed with status code 429",
    "HTTP/1.1 500 for order 17",
    "HTTP 502",
    "The program ended with code 1",
    "The program ended with code 137",
  ];
  assertEquals(new Set(errors.map(errorPattern)).size, errors.length);
});

Deno.test("errorPattern() is in one line, short, and nothing that commands a terminal, for any text", () => {
  const random = testRandom(5);
  for (let run = 0; run < 300; run++) {
    const pattern = errorPattern(randomText(random).repeat(1 + run % 7));
    assertEquals(commandsIn(pattern), []);
    assertEquals(pattern.length <= 301 && !pattern.includes("\n"), true, pattern);
  }
});

Deno.test("errorPattern() is as fast for a text made of marks as for any other", () => {
  for (const mark of ["'", '"', "`a", "„", "«", "a-", "0", "1,", "deadbee-", "9a"]) {
    assertEquals(typeof errorPattern(mark.repeat(100_000)), "string");
  }
});

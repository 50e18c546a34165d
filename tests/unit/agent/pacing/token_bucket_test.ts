import { assert, assertEquals } from "@std/assert";
import { TokenBucket } from "../../../../agent/pacing/token_bucket.ts";
import { rounds, testRandom } from "../../../support/random.ts";

/** Takes what is there. */
function takeAll(bucket: TokenBucket, nowMs: number): number {
  const tokens = bucket.soon(0, nowMs);
  bucket.take(tokens, nowMs);
  return tokens;
}

Deno.test("TokenBucket begins empty, fills at its rate, and holds what a second brings", () => {
  const bucket = new TokenBucket(1000);
  bucket.setRate(50 / 1000, 1000);
  assertEquals(takeAll(bucket, 1000), 0);
  assertEquals(bucket.inMs(1, 1000), 20);
  assertEquals(takeAll(bucket, 1020), 1);
  assertEquals(bucket.inMs(50, 1020), 1000);
  // However long nothing was taken.
  assertEquals(takeAll(bucket, 3_600_000), 50);
});

Deno.test("TokenBucket holds one token if a second brings less, and gives it when its time has come", () => {
  const bucket = new TokenBucket(0);
  bucket.setRate(3 / 3_600_000, 0);
  assertEquals(bucket.inMs(1, 0), 1_200_000);
  assertEquals([takeAll(bucket, 1_199_000), takeAll(bucket, 1_200_000)], [0, 1]);
  assertEquals(takeAll(bucket, 100_000_000), 1);
});

Deno.test("TokenBucket loses no part of a token, however often it is asked", () => {
  const bucket = new TokenBucket(0);
  bucket.setRate(0.7 / 1000, 0);
  let taken = 0;
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 1) taken += takeAll(bucket, nowMs);
  assertEquals(taken, 70);
});

Deno.test("TokenBucket gives nothing for a clock that goes back and forth", () => {
  const bucket = new TokenBucket(10_000);
  bucket.setRate(10 / 1000, 10_000);
  assertEquals(takeAll(bucket, 10_500), 5);
  for (let n = 0; n < 20; n++) assertEquals([takeAll(bucket, 9000), takeAll(bucket, 10_500)], [0, 0]);
  assertEquals(takeAll(bucket, 10_600), 1);
});

Deno.test("TokenBucket without a rate holds nothing, and begins anew with the next one", () => {
  const bucket = new TokenBucket(0);
  bucket.setRate(10 / 1000, 0);
  bucket.setRate(0, 1000);
  assertEquals([bucket.inMs(1, 1000), bucket.soon(5000, 1000)], [Infinity, 0]);
  bucket.setRate(10 / 1000, 60_000);
  assertEquals(bucket.inMs(1, 60_000), 100);
});

Deno.test("TokenBucket: in no time more is taken than its rate gives in that time and a second", () => {
  const random = testRandom();
  for (let round = 0; round < rounds(50); round++) {
    const perSecond = 10 ** (4 * random() - 1);
    const bucket = new TokenBucket(0);
    bucket.setRate(perSecond / 1000, 0);
    const taken: [atMs: number, tokens: number][] = [];
    for (let nowMs = 0; taken.length < 100; nowMs += 1000 * random() ** 4) {
      const count = bucket.soon(0, nowMs);
      const tokens = Math.ceil(random() * count);
      bucket.take(tokens, nowMs);
      taken.push([nowMs, tokens]);
    }
    for (let from = 0; from < taken.length; from += 7) {
      let sum = 0;
      for (const [atMs, tokens] of taken.slice(from)) {
        sum += tokens;
        const most = Math.max(perSecond, 1) + 0.1 + perSecond * (atMs - taken[from]![0]) / 1000;
        assert(sum <= most + 1e-6, `${sum} of ${most} at ${perSecond} a second`);
      }
    }
  }
});

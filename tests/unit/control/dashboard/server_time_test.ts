import { assert } from "@std/assert";
import { learnServerTime, serverNow } from "../../../../control/dashboard/page/server_time.ts";

Deno.test("learnServerTime() takes the freshest of the last answers, so that no age is negative", () => {
  const ahead = 3_600_000;
  const learn = (oldMs: number) => learnServerTime(new Date(Date.now() + ahead - oldMs), String(oldMs));
  learn(1);
  for (let oldMs = 30_000; oldMs < 30_008; oldMs++) learn(oldMs);
  assert(Math.abs(serverNow() - Date.now() - ahead) < 10_000);
  for (let oldMs = 40_000; oldMs < 40_010; oldMs++) learn(oldMs);
  assert(serverNow() - Date.now() - ahead < -20_000, "an answer of long ago counts for ever");
});

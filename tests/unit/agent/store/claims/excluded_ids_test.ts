import { assert, assertEquals } from "@std/assert";
import { Long, ObjectId, UUID } from "mongodb";
import { idKey } from "../../../../../agent/store/documents/id_key.ts";
import { ExcludedIds } from "../../../../../agent/store/claims/excluded_ids.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

const MINUTE = 60_000;

Deno.test("ExcludedIds: a refused id is left alone for longer each time, and forgotten when it does not come back", () => {
  const clock = new ManualClock();
  const refused = new ExcludedIds(clock);
  const leftAloneFor = () => {
    const from = clock.monotonicMs();
    refused.add("a");
    while (refused.ids.length > 0) clock.skip(MINUTE);
    return (clock.monotonicMs() - from) / MINUTE;
  };
  assertEquals(Array.from({ length: 8 }, leftAloneFor), [1, 2, 4, 8, 16, 32, 60, 60]);
  clock.skip(60 * MINUTE);
  assertEquals(refused.ids, []);
  assertEquals(leftAloneFor(), 1, "it is a new one");
});

Deno.test("ExcludedIds: a document in doubt is left out for longer each time that no other is claimed, so that another one is tried", () => {
  const clock = new ManualClock();
  const excluded = new ExcludedIds(clock);
  const leftOutFor = () => {
    assertEquals(excluded.doubt("a", "no"), false);
    const from = clock.monotonicMs();
    while (excluded.ids.length > 0) clock.skip(1000);
    return (clock.monotonicMs() - from) / 1000;
  };
  assertEquals(Array.from({ length: 8 }, leftOutFor), [1, 2, 4, 8, 16, 32, 60, 60]);
  excluded.accepted(1);
  assertEquals([leftOutFor(), leftOutFor()], [1, 2], "another one was claimed since");
});

Deno.test("ExcludedIds: claims of one document come past ten in doubt, although each that fails is followed by a wait of five seconds", () => {
  const clock = new ManualClock();
  const excluded = new ExcludedIds(clock);
  let claims = 0;
  for (let tried = 0; tried < 10; claims++) {
    const leftOut = new Set(excluded.ids);
    tried = Array.from({ length: 10 }, (_, id) => id).find((id) => !leftOut.has(id)) ?? 10;
    if (tried < 10) excluded.doubt(tried, "no");
    clock.skip(5250);
    assert(claims < 100, "the eleventh is never tried");
  }
});

Deno.test("ExcludedIds.nothingElse() ends the time of documents in doubt, and of no others", () => {
  const excluded = new ExcludedIds(new ManualClock());
  excluded.doubt("in doubt", "no");
  excluded.doubt("locked", "no");
  excluded.locked("locked", "busy");
  excluded.add("refused", "no");
  excluded.nothingElse();
  assertEquals(excluded.ids, ["refused", "locked"]);
});

Deno.test("ExcludedIds.doubtedSince() tells of a document that was left out in the meantime, also if it no longer is", () => {
  const clock = new ManualClock();
  const excluded = new ExcludedIds(clock);
  const startMs = clock.monotonicMs();
  assertEquals(excluded.doubtedSince(startMs), undefined);
  excluded.doubt("a", "no");
  while (excluded.ids.length > 0) clock.skip(1000);
  assertEquals(excluded.doubtedSince(startMs), "no");
  assertEquals(excluded.doubtedSince(clock.monotonicMs()), undefined);
});

Deno.test("Refused ids are bounded: the oldest goes", () => {
  const refused = new ExcludedIds(new ManualClock());
  for (let id = 0; id < 5001; id++) refused.add(id);
  const { ids } = refused;
  assertEquals([ids.length, ids[0]], [5000, 1]);
});

Deno.test("idKey() is the same for equal ids, and different for others", () => {
  const groups = [
    () => "5",
    () => 5,
    () => ({ a: 1, b: 2 }),
    () => ({ b: 2, a: 1 }),
    () => new ObjectId("0123456789abcdef01234567"),
    () => "0123456789abcdef01234567",
    () => new UUID("01234567-89ab-cdef-0123-456789abcdef").toBinary(),
    () => Long.fromString("9007199254740993"),
    () => Long.fromString("9007199254740995"),
    () => new Date(5),
    () => null,
    () => `{"id":null}`,
  ];
  for (const make of groups) assertEquals(idKey(make()), idKey(make()));
  assertEquals(new Set(groups.map((make) => idKey(make()))).size, groups.length);
});

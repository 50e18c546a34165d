import { assertEquals } from "@std/assert";
import { type LetterGroup, LetterGroups } from "../../../../agent/store/dead_letters/letter_groups.ts";

const at = (second: number) => new Date(second * 1000);
/** Digits of a number as letters: a pattern keeps them. */
const word = (number: number) =>
  number.toString(26).replaceAll(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)]!);
const brief = ({ pattern, letters, first, last, example }: LetterGroup) =>
  [pattern, letters, first, last, example.id] as const;

Deno.test("LetterGroups: letters with alike errors are one group with its first, its last and an example", () => {
  const groups = new LetterGroups();
  groups.add({ _id: 1, error: "no order 1", dead_at: at(5) });
  groups.add({ _id: 2, error: "no order 2", dead_at: at(9) });
  groups.add({ _id: 3, error: "no order 3", dead_at: at(2) });
  groups.add({ _id: 4, error: "timeout", dead_at: at(20) });
  const orders = ["no order #", 3, at(2), at(9), 2] as const;
  const timeouts = ["timeout", 1, at(20), at(20), 4] as const;
  assertEquals(groups.sorted("letters").map(brief), [orders, timeouts]);
  assertEquals(groups.sorted("newest").map(brief), [timeouts, orders]);
  assertEquals(groups.letters, 4);
});

Deno.test("LetterGroups: letters that a user has edited count, with any content", () => {
  const groups = new LetterGroups();
  const odd: unknown[] = [{}, { error: { a: 1 } }, { error: 7, dead_at: "never" }, {
    error: " ",
    dead_at: new Date(NaN),
  }];
  odd.forEach((letter, _id) => groups.add({ _id, ...letter as object }));
  assertEquals(groups.sorted("newest").map(brief), [["(no error)", 4, undefined, undefined, 0]]);
  groups.add({ _id: 9, dead_at: at(1) });
  assertEquals(groups.sorted("newest").map(brief), [["(no error)", 5, at(1), at(1), 9]]);
});

Deno.test("LetterGroups: any number of different errors needs a bounded number of groups, and none is left out of the count", () => {
  const groups = new LetterGroups();
  for (let number = 0; number < 3000; number++) groups.add({ _id: number, error: `error ${word(number)}` });
  const sorted = groups.sorted("letters");
  assertEquals(sorted.length <= 1001, true);
  assertEquals(sorted.reduce((sum, { letters }) => sum + letters, 0), 3000);
  assertEquals([sorted[0]!.pattern, sorted[0]!.isOthers], ["(other errors)", true]);
  assertEquals(sorted.filter(({ isOthers }) => isOthers).length, 1);
  const isOther = (error: string) => groups.isOther({ _id: 1, error });
  assertEquals([isOther(`error ${word(0)}`), isOther(`error ${word(2999)}`)], [false, true]);
});

Deno.test("LetterGroups: all others have no letter that came after those that were counted, and none at all if each error has a group", () => {
  const few = new LetterGroups();
  few.add({ _id: 1, error: "no price", dead_at: at(1) });
  assertEquals(few.isOther({ _id: 2, error: "a new error", dead_at: at(1) }), false);
  const many = new LetterGroups();
  for (let kind = 0; kind < 1001; kind++) {
    many.add({ _id: kind, error: `error ${word(kind)}`, dead_at: at(5) });
  }
  const isOther = (second: number) => many.isOther({ _id: 0, error: "a new error", dead_at: at(second) });
  assertEquals([isOther(5), isOther(6)], [true, false]);
});

Deno.test("LetterGroups: an error with a group of its own keeps it in the next count, also if a new one comes before it", () => {
  const before = new LetterGroups();
  for (let kind = 0; kind < 1000; kind++) before.add({ _id: kind, error: `error ${word(kind)}` });
  const after = new LetterGroups(before);
  after.add({ _id: -1, error: "a new error" });
  for (let kind = 1; kind < 1000; kind++) after.add({ _id: kind, error: `error ${word(kind)}` });
  assertEquals(after.sorted("letters").filter(({ isOthers }) => isOthers).map(({ letters }) => letters), [1]);
  const isOther = (error: string) => after.isOther({ _id: 1, error });
  assertEquals([isOther(`error ${word(999)}`), isOther(`error ${word(0)}`), isOther("a new error")], [
    false,
    false,
    true,
  ]);
});

Deno.test("LetterGroups: an error that reads like the name of all others is a group of its own", () => {
  const groups = new LetterGroups();
  groups.add({ _id: 1, error: "(other errors)" });
  assertEquals(groups.sorted("letters").map(({ isOthers }) => isOthers), [false]);
});

import { assertEquals } from "@std/assert";
import { afterKey } from "../../../../control/top/after_key.ts";
import { FIRST_VIEW, type View } from "../../../../control/top/view.ts";

/** The view after these keys, with 30 agents. */
const after = (...keys: string[]): View =>
  keys.reduce((view, key) => afterKey(view, key, 30).view, FIRST_VIEW);

Deno.test("afterKey(): a filter is typed, kept by Enter and dropped by Escape", () => {
  assertEquals(after("/", "p", "ö", "x", "backspace", "enter").filter, "pö");
  assertEquals(after("/", "p", "enter", "/", "q", " ", "?").typing, "pq ?");
  assertEquals(after("/", "p", "clear", "z", "up", "enter"), { ...FIRST_VIEW, filter: "z" });
  assertEquals([after("/", "p", "escape"), after("/", "p", "enter", "escape")], [FIRST_VIEW, FIRST_VIEW]);
  assertEquals(after("/", ...new Array(200).fill("p")).typing?.length, 60);
});

Deno.test("afterKey(): s and S go round the orders, and the arrows scroll within the agents", () => {
  assertEquals(after("s").sort, "name");
  assertEquals(after("S").sort, "started");
  assertEquals(after("s", "s", "s", "s", "s").sort, "trouble");
  const scrolled = [["up"], ["down", "j", "k"], ["page down"], ["end"], ["G", "down"], ["end", "page up"], [
    "end",
    "g",
  ]];
  assertEquals(scrolled.map((keys) => after(...keys).scrolled), [0, 1, 10, 29, 29, 19, 0]);
  assertEquals(afterKey(FIRST_VIEW, "down", 0).view.scrolled, 0);
});

Deno.test("afterKey(): q and Ctrl-C quit, space holds and goes on with a look, and any key leaves the help", () => {
  assertEquals(["q", "quit", "r", " ", "x"].map((key) => afterKey(FIRST_VIEW, key, 1).wants), [
    "quit",
    "quit",
    "look",
    undefined,
    undefined,
  ]);
  assertEquals(after(" ").isPaused, true);
  assertEquals(afterKey(after(" "), " ", 1), { view: FIRST_VIEW, wants: "look" });
  assertEquals([after("?").showsHelp, after("?", "q").showsHelp, after("?", "q").isPaused], [
    true,
    false,
    false,
  ]);
  assertEquals(afterKey(after("?"), "quit", 1).wants, "quit");
  assertEquals(afterKey(after("/"), "quit", 1).wants, "quit");
});

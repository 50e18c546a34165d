import { assert, assertEquals } from "@std/assert";
import { BuiltinWatch, namesOf } from "../../../../agent/lib/builtin_watch.ts";

/** Runs `test` with a watch that has noted how all is; in the end all is as it was. */
function watching(test: (watch: BuiltinWatch) => void): void {
  const watch = new BuiltinWatch();
  watch.note();
  try {
    test(watch);
  } finally {
    watch.putBackAll();
  }
}

Deno.test("BuiltinWatch finds nothing if nothing has changed, each time", () => {
  watching((watch) => {
    for (let time = 0; time < 3; time++) assertEquals([watch.putBackRemoved(), watch.putBackAll()], [[], []]);
  });
});

Deno.test("BuiltinWatch.putBackRemoved() puts back what is gone or no function any more, and leaves what was replaced", () => {
  const { map, filter } = Array.prototype;
  const mine = () => [];
  watching((watch) => {
    Reflect.deleteProperty(Array.prototype, "map");
    Array.prototype.filter = mine as never;
    Object.assign(JSON, { parse: 7 });
    assertEquals(watch.putBackRemoved().sort(), ["Array.prototype.map", "JSON.parse"]);
    assertEquals([Array.prototype.map, Array.prototype.filter], [map, mine as never]);
    assertEquals(watch.putBackAll(), ["Array.prototype.filter"]);
    assertEquals(Array.prototype.filter, filter);
  });
});

Deno.test("BuiltinWatch removes from all objects what keeps a field from being set, and nothing else", () => {
  watching((watch) => {
    Object.defineProperty(Object.prototype, "status", { set() {}, configurable: true });
    Object.defineProperty(Object.prototype, "total", { value: 1, configurable: true });
    Object.defineProperty(Object.prototype, "harmless", { value: 1, configurable: true, writable: true });
    assertEquals(watch.putBackRemoved(), ["Object.prototype.status", "Object.prototype.total"]);
    assertEquals(["status" in {}, "total" in {}, "harmless" in {}], [false, false, true]);
    Reflect.deleteProperty(Object.prototype, "harmless");
  });
});

Deno.test("BuiltinWatch.afterHandler() looks after the first runs, and after each once it has found something", () => {
  watching((watch) => {
    const found: string[] = [];
    watch.onPutBack = (names) => void found.push(...names);
    for (let run = 0; run < 10; run++) watch.afterHandler();
    Reflect.deleteProperty(Array.prototype, "map");
    watch.afterHandler();
    const isMissed = !("map" in Array.prototype);
    assert(isMissed, "it looked a moment ago");
    watch.afterFailure();
    for (const name of ["map", "filter"]) {
      Reflect.deleteProperty(Array.prototype, name);
      watch.afterHandler();
    }
    assertEquals([found, watch.found], [["Array.prototype.map", "Array.prototype.filter"], found]);
  });
});

Deno.test("namesOf() tells five names, and how many more there are", () => {
  assertEquals(namesOf(["a", "b"]), "a, b");
  assertEquals(namesOf(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
});

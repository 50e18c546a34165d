import { assertEquals, assertStrictEquals } from "@std/assert";
import { Abilities, type Ability } from "../../../../../agent/store/server/abilities.ts";
import { serverKind } from "../../../../../agent/store/server/server_kind.ts";
import { atTime, NOW } from "../../../../../agent/store/server/server_time.ts";

const OPTIONS = { hint: { _id: 1 }, collation: { locale: "simple" }, maxTimeMS: 5 };

function lacking(...names: Ability[]): Abilities {
  const abilities = new Abilities();
  abilities.probed(names, new Map(names.map((name) => [name, "unknown"])));
  return abilities;
}

Deno.test("Abilities.known() gives the very arguments back as long as nothing is lacking", () => {
  const args = [{ hint: 1 }, {}, OPTIONS];
  assertStrictEquals(new Abilities().known("updateOne", args), args);
});

Deno.test("Abilities.known() leaves the options out that the server does not know, and nothing of filters and documents", () => {
  const document = { hint: 1, collation: 2 };
  const { collation, hint, maxTimeMS } = OPTIONS;
  const without = (abilities: Abilities, operation: string, args: unknown[]) =>
    abilities.known(operation, args);
  assertEquals(without(lacking("hintsOfWrites"), "updateOne", [document, document, OPTIONS]), [
    document,
    document,
    { collation, maxTimeMS },
  ]);
  assertEquals(without(lacking("collations"), "replaceOne", [document, document, OPTIONS]), [
    document,
    document,
    { hint, maxTimeMS },
  ]);
  assertEquals(without(lacking("hintsOfWrites"), "find", [document, OPTIONS]), [document, OPTIONS]);
  assertEquals(without(lacking("collations"), "findOne", [document]), [document]);
});

Deno.test("Abilities.lacking is in the order of the table, and forgets what a later probe finds", () => {
  const abilities = lacking("bsonSize", "nowInReads");
  abilities.note("changeStreams", "off");
  assertEquals(abilities.lacking.map(([name]) => name), ["nowInReads", "bsonSize", "changeStreams"]);
  abilities.probed(["bsonSize", "nowInReads"], new Map([["bsonSize", "unknown"]]));
  assertEquals(abilities.lacking, [["bsonSize", "unknown"], ["changeStreams", "off"]]);
});

Deno.test("atTime() puts a date in the place of the variable, at any depth, and gives the same condition back for the variable", () => {
  const condition = {
    a: 1,
    $expr: { $and: [{ $lte: ["$t", NOW] }, { $gt: ["$u", { $subtract: [NOW, 5] }] }] },
  };
  const date = new Date(7);
  assertStrictEquals(atTime(condition, NOW), condition);
  assertEquals(atTime<unknown>(condition, date), {
    a: 1,
    $expr: { $and: [{ $lte: ["$t", date] }, { $gt: ["$u", { $subtract: [date, 5] }] }] },
  });
  const [now, regex] = [new Date(1), /a/];
  assertEquals(atTime({ now, regex }, date), { now, regex });
});

Deno.test("serverKind() tells servers apart by what only they say", () => {
  const hello = { localTime: new Date() };
  const kinds = [
    [{ version: "7.0.14", gitVersion: "a" }, hello, "MongoDB"],
    [{ version: "7.0.0", gitVersion: "a" }, hello, "MongoDB"],
    [{ version: "5.0.0" }, hello, "Amazon DocumentDB"],
    [{ version: "7.0.77", ferretdb: { version: "v2.7.0" } }, hello, "FerretDB"],
    [{ version: "7.0.42", ferretdbVersion: "v1.24.0" }, hello, "FerretDB"],
    [{ version: "7.0.0" }, { localTime: 5 }, "DocumentDB"],
    [{ version: "7.0.0" }, { ...hello, internal: { documentdb_versions: [] } }, "Azure DocumentDB"],
    [undefined, undefined, "MongoDB"],
  ] as const;
  for (const [buildInfo, told, product] of kinds) {
    assertEquals(serverKind({ buildInfo, hello: told }).product, product, Deno.inspect(buildInfo));
  }
});

import { assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { BusyKeys } from "../../../../../agent/store/claims/busy_keys.ts";
import { RawDocument } from "../../../../../agent/store/documents/raw_document.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

const raw = (document: BSON.Document) => new RawDocument(BSON.serialize(document));
const duplicate = (keyValue: BSON.Document) => ({
  code: 11000,
  keyPattern: Object.fromEntries(Object.keys(keyValue).map((field) => [field, 1])),
  keyValue,
});

function busyKeys() {
  const clock = new ManualClock();
  return { clock, busy: new BusyKeys(clock) };
}

Deno.test("BusyKeys leaves a key alone for a while, longer each time it is met again, and forgets it then", () => {
  const { busy, clock } = busyKeys();
  const condition = { customer: { $eq: "a" } };
  assertEquals([busy.conditions, busy.retryInMs], [[], undefined]);
  for (const waitMs of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
    assertEquals(busy.learn(duplicate({ customer: "a", status: "processing" })), true);
    assertEquals([busy.conditions, busy.retryInMs], [[condition], waitMs]);
    clock.skip(waitMs);
    assertEquals(busy.conditions, []);
  }
  clock.skip(5000);
  assertEquals(busy.conditions, []);
  busy.learn(duplicate({ customer: "a" }));
  assertEquals(busy.retryInMs, 250);
});

Deno.test("BusyKeys forgets an index if no claim has had to wait for a minute", () => {
  const { busy, clock } = busyKeys();
  const documents = [{ customer: "a" }, { customer: "a" }].map(raw);
  busy.learn(duplicate({ customer: "x" }));
  clock.skip(59_999);
  busy.claimed(documents);
  assertEquals(busy.conditions, [{ customer: { $eq: "a" } }]);
  assertEquals(busy.firstOfEach(documents).length, 1);
  clock.skip(1);
  assertEquals(busy.conditions, []);
  assertEquals(busy.firstOfEach(documents), documents);
  assertEquals(busy.fields, []);
});

Deno.test("BusyKeys frees a key as soon as a document of it is settled here", () => {
  const { busy } = busyKeys();
  busy.learn(duplicate({ customer: "a" }));
  busy.learn(duplicate({ customer: "b" }));
  busy.settled([raw({ _id: 1, customer: "a" }), raw({ _id: 2, customer: "c" })]);
  assertEquals(busy.conditions, [{ customer: { $eq: "b" } }]);
});

Deno.test("BusyKeys takes one document of each key, and counts a missing field as null once such documents had to wait", () => {
  const { busy } = busyKeys();
  const documents = [{ customer: "a" }, { customer: "a" }, {}, { customer: null }, { customer: 1 }].map(raw);
  assertEquals(busy.firstOfEach(documents), documents);
  busy.learn(duplicate({ customer: "x" }));
  assertEquals(busy.firstOfEach(documents), [0, 2, 3, 4].map((at) => documents[at]!));
  busy.claimed(documents.slice(2, 4));
  assertEquals(busy.conditions, [{ customer: { $eq: "x" } }]);
  busy.learn(duplicate({ customer: null }));
  assertEquals(busy.firstOfEach(documents), [0, 2, 4].map((at) => documents[at]!));
});

Deno.test("BusyKeys reports that it is of no use to leave a key alone if it was met all the same, or if its values are unknown", () => {
  const { busy } = busyKeys();
  assertEquals(busy.learn(duplicate({ customer: "a" })), true);
  assertEquals(busy.learn(duplicate({ customer: "a" })), false);
  assertEquals(busy.learn({ code: 11000 }), false);
  assertEquals(busy.learn({ ...duplicate({ customer: "z" }), collation: { locale: "en" } }), false);
  busy.addId(7, undefined);
  assertEquals(busy.conditions.at(-1), { _id: { $eq: 7 as never } });
  busy.settled([raw({ _id: 1, customer: "b" })]);
  assertEquals(busy.conditions, [{ customer: { $eq: "a" } }]);
});

Deno.test("BusyKeys reads keys within documents, and none from a document that cannot be read", () => {
  const { busy } = busyKeys();
  busy.learn(duplicate({ "place.city": "Ulm", "place.street": "x", "_pull.owner": "me" }));
  assertEquals(busy.fields, ["place"]);
  assertEquals(busy.conditions, [{ "place.city": { $eq: "Ulm" }, "place.street": { $eq: "x" } }]);
  busy.settled([raw({ _id: 1, place: { city: "Ulm", street: "x" } })]);
  assertEquals(busy.conditions, []);
});

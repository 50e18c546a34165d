import { assert, assertEquals, assertThrows } from "@std/assert";
import { BSON } from "mongodb";
import { PermanentError } from "../../../../../agent/errors.ts";
import { idBytes, survivesRoundTrip } from "../../../../../agent/store/documents/round_trip_id.ts";
import { formatId } from "../../../../../agent/store/documents/format_id.ts";
import { MongoLeasedDocument } from "../../../../../agent/store/documents/leased_document.ts";
import { RawDocument } from "../../../../../agent/store/documents/raw_document.ts";
import { rounds, testRandom } from "../../../../support/random.ts";
import { randomDocument } from "../../../../support/random_bson.ts";
import { bsonDocument } from "../../../../support/raw_bson.ts";

const COUNT = rounds(375);

/** Names the document that broke the property, so that it can be made again. */
function about(bytes: Uint8Array, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`document ${bytes.toHex()}: ${(error as Error).stack}`);
  }
}

function lease(bytes: Uint8Array): MongoLeasedDocument {
  const terms = { token: "t", sentAtMs: 0, attempt: 1, isSuspect: false };
  return new MongoLeasedDocument(new RawDocument(bytes), "shop.orders", terms);
}

Deno.test("RawDocument of any document that a server may give is a document: each either reads or says why not", () => {
  const random = testRandom(1);
  let unreadable = 0;
  for (let count = 0; count < COUNT; count++) {
    const bytes = randomDocument(random, { pull: true, status: "random" });
    about(bytes, () => {
      const raw = new RawDocument(bytes);
      const document = lease(bytes);
      assert(document.idempotencyKey.startsWith("shop.orders:"));
      assert(typeof formatId(raw.id) === "string");
      assert(idBytes(raw).length > 0);
      if (raw.unreadable === undefined) {
        const read = document.read();
        assertEquals(Object.getPrototypeOf(read), Object.prototype);
        assertEquals(["_pull" in read, read.status], [false, "processing"]);
      } else {
        unreadable += 1;
        assert(document.deadLetterReason !== undefined);
        assertThrows(() => document.read(), PermanentError, "The document cannot be read: ");
      }
      // A claim sends the id as it was read.
      if (survivesRoundTrip(raw)) BSON.serialize({ $and: [{ _id: { $in: [raw.id] } }] });
    });
  }
  assert(unreadable > 0 && unreadable < COUNT / 2, `${unreadable} of ${COUNT} cannot be read`);
});

Deno.test("RawDocument that cannot be read names the field", () => {
  const data = { type: 0x05, name: new TextEncoder().encode("data"), value: WRONG_LENGTH };
  const id = { type: 0x10, name: new TextEncoder().encode("_id"), value: new Uint8Array([7, 0, 0, 0]) };
  const { id: read, unreadable } = new RawDocument(bsonDocument([id, data]));
  assertEquals(read, 7);
  const what =
    'The document cannot be read: its field "data" is or holds a value that JavaScript cannot hold';
  assert(unreadable?.startsWith(what), unreadable);
});

Deno.test("RawDocument can be read with any content of _pull, which the user never sees", () => {
  const data = { type: 0x05, name: new TextEncoder().encode("data"), value: WRONG_LENGTH };
  const pull = { type: 0x03, name: new TextEncoder().encode("_pull"), value: bsonDocument([data]) };
  const id = { type: 0x10, name: new TextEncoder().encode("_id"), value: new Uint8Array([7, 0, 0, 0]) };
  const raw = new RawDocument(bsonDocument([id, pull]));
  assertEquals([raw.unreadable, raw.bookkeeping !== undefined], [undefined, true]);
  assertEquals(raw.read(), { _id: 7, status: "processing" });
});

/** Binary data of subtype 2, 4 bytes long, that says of itself it were 9. */
const WRONG_LENGTH = new Uint8Array([4, 0, 0, 0, 2, 9, 0, 0, 0]);

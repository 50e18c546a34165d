/**
 * Every state that a document can be in, and what `why` has to tell of it.
 *
 * @module
 */

import { BSONRegExp, Code, ObjectId } from "mongodb";
import type { TestDatabase } from "./mongod.ts";
import { insertInvalidUtf8, INVALID } from "./raw_insert.ts";
import { type AnyDocument, LONG_AGO } from "./store.ts";
import { expired } from "./suspects.ts";

const LATER = new Date(Date.now() + 7_200_000);
const OID = "65f0c0ffee0123456789abcd";

/** A document in some state, and what `why` has to tell of it. */
interface Case {
  document?: AnyDocument;
  insert?: (db: TestDatabase) => Promise<unknown>;
  /** As it is typed; by default the document's `_id`. */
  typed?: string;
  says: RegExp;
  /** How many commands it advises; by default one. None is advised if nothing keeps it. */
  mends?: number;
  /** What a real agent makes of it in the end. */
  ends?: "processed" | "failed";
}

/** Where documents of all these states are put. */
export const documents = ({ db }: TestDatabase) => db.collection<AnyDocument>("documents");
const failedAt = new Date(1e12);

async function insertFailed(db: TestDatabase, _id: unknown, lettersIn: string | undefined): Promise<void> {
  const _pull = {
    attempts: 5,
    dead_at: failedAt,
    errors: [{ at: failedAt, attempt: 5, message: "no stock" }],
  };
  await documents(db).insertOne({ _id, status: "failed", error: "no stock", _pull });
  if (lettersIn === undefined) return;
  const source = { database: db.name, collection: "documents" };
  const letter = {
    _id,
    document: { _id, status: "failed" },
    attempts: 5,
    error: "no stock",
    source,
    dead_at: failedAt,
  };
  await db.db.collection<AnyDocument>(lettersIn).insertOne(letter);
}

const RETRY = {
  visible_at: LATER,
  attempts: 2,
  errors: [{ at: LONG_AGO, attempt: 1, message: "first" }, { at: LONG_AGO, attempt: 2, message: "second" }],
};

/** Every state that a document can be in, and what goes wrong with documents. */
export const CASES: Record<string, Case> = {
  "is new": {
    document: { _id: "new", status: "pending" },
    says: /takes it as a new document, for attempt 1 of 5/,
    mends: 0,
  },
  "waits for its retry": {
    document: { _id: "retry", status: "pending", error: "second", _pull: RETRY },
    says: /^It waits until \S+Z \(in 1 h 5\d min\)[^]*last attempt failed[^]*attempt 2 +\S+ second$/m,
  },
  "was put off": {
    document: { _id: "snoozed", status: "pending", _pull: { visible_at: LATER, attempts: 0, snoozes: 3 } },
    says: /its processor has put it off[^]*^snoozes +3$/m,
  },
  "was put off and has failed": {
    document: { _id: "both", status: "pending", error: "x", _pull: { ...RETRY, snoozes: 1 } },
    says: /its last attempt failed, or its processor has put it off/,
  },
  "is scheduled by its producer": {
    document: { _id: "later", status: "pending", _pull: { visible_at: LATER } },
    says: /its producer has scheduled it/,
  },
  "is due": {
    document: { _id: "due", status: "pending", _pull: { visible_at: LONG_AGO, attempts: 4 } },
    says: /takes it as one that is due, for attempt 5 of 5/,
    mends: 0,
  },
  "has an expired lease": {
    document: expired("expired", { attempts: 3 }),
    says:
      /takes it over, as its lease has expired, for attempt 3 of 5[^]*lease +of gone, until \S+Z \(\d+ d \d+ h ago\)/,
    mends: 0,
  },
  "is a suspect": {
    document: expired("suspect", { takeovers: 1 }),
    says: /takes it over as a suspect, with nothing else in flight/,
    mends: 0,
  },
  "was alone and is pending": {
    document: {
      _id: "alone",
      status: "pending",
      _pull: { visible_at: LONG_AGO, attempts: 1, takeovers: 2, alone: 1 },
    },
    says: /takes it as a suspect, with nothing else in flight[^]*^alone +1 times/m,
    mends: 0,
  },
  "has ended its process too often": {
    document: expired("deadly", { takeovers: 3, alone: 2 }),
    says: /makes it a dead letter without a run/,
    mends: 0,
    ends: "failed",
  },
  "has a verdict": {
    document: {
      ...expired("verdict"),
      error: "bad",
      _pull: { ...expired("verdict")._pull, dead_at: failedAt },
    },
    says: /finishes its dead letter: that was decided before[^]*^verdict +it is a dead letter since 2001/m,
    mends: 0,
    ends: "failed",
  },
  "is processed": {
    document: { _id: "done", status: "processed", processed_at: failedAt, _pull: { attempts: 1 } },
    says: /^It is done: it was processed at 2001-09-09T01:46:40.000Z \(\d+ d \d+ h ago\)/m,
  },
  "has failed and has a letter": {
    insert: (db) => insertFailed(db, "failed", "documents_dead_letters"),
    typed: "failed",
    says:
      /^It has failed for good\.[^]*dead letter is in documents_dead_letters[^]*dead-letters redrive --id failed$/m,
  },
  "has failed, with an id that a shell would take apart": {
    insert: (db) => insertFailed(db, "-it's a; $(id)", "documents_dead_letters"),
    typed: "-it's a; $(id)",
    says: /redrive '--id=-it'\\''s a; \$\(id\)'$/m,
  },
  "has failed and has no letter": {
    insert: (db) => insertFailed(db, "letterless", undefined),
    typed: "letterless",
    says: /there is no dead letter of it in documents_dead_letters/,
  },
  "has failed and has its letter in another collection": {
    insert: (db) => insertFailed(db, "moved", "old letters"),
    typed: "moved",
    says: /its dead letter is in old letters, and DEAD_LETTER_COLLECTION is documents_dead_letters/,
  },
  "is claimed by another program": {
    document: { _id: "foreign", status: "processing", worker: 7 },
    says: /"processing" without a lease \(_pull.token\)/,
  },
  "has a lease that never ends": {
    document: { _id: "endless", status: "processing", _pull: { token: "t", owner: "a", visible_at: null } },
    says: /under a lease that never ends: its field _pull.visible_at is null/,
  },
  "has a status in the wrong case": {
    document: { _id: "case", status: "Pending" },
    says:
      /Its status is "Pending" \(string\): claims take .*"pending" alone, written without blanks and in lower case/,
  },
  "has a blank in its status": {
    document: { _id: "blank", status: "pending " },
    says: /Its status is "pending " \(string\)[^]*without blanks/,
  },
  "has its status in an array": {
    document: { _id: "array", status: ["pending"] },
    says: /status +\["pending"\] \(array\)/,
    mends: 0,
  },
  "has other statuses in an array": {
    document: { _id: "others", status: ["open", "new"] },
    says: /Its status is \["open","new"\] \(array\)/,
  },
  "has a field that only looks like a status": {
    document: { _id: "field", Status: "pending" },
    says: /It has no field status; its field "Status" is "pending" \(string\)/,
  },
  "has no status": { document: { _id: "none" }, says: /It has no field status: / },
  "has a status that is null": { document: { _id: "null", status: null }, says: /Its status is null: / },
  "has a status of its own after a run": {
    document: { _id: "again", status: "PENDING", _pull: { attempts: 5 } },
    says: /Its status is "PENDING"/,
  },
  "is due at a text that is a date": {
    document: { _id: "text date", status: "pending", _pull: { visible_at: "2020-02-03T04:05:06Z" } },
    says:
      /_pull.visible_at is "2020-02-03T04:05:06Z" \(string\), and only a date can become due[^]*ISODate\("2020-02-03/,
  },
  "is due at a text": {
    document: { _id: "text", status: "pending", _pull: { visible_at: "soon" } },
    says: /_pull.visible_at is "soon" \(string\)/,
  },
  "is due at a number": {
    document: { _id: "number", status: "pending", _pull: { visible_at: 1.5e12 } },
    says: /_pull.visible_at is 1500000000000/,
  },
  "is due at a date in an array": {
    document: { _id: "dates", status: "pending", _pull: { visible_at: [LONG_AGO] } },
    // In the order of values an array is less than any date.
    says: /takes it as one that is due/,
    mends: 0,
  },
  "has a text for _pull": {
    document: { _id: "pull", status: "pending", _pull: "mine" },
    says: /Its field _pull is "mine" \(string\), which is not the agent's/,
  },
  "has an array of documents for _pull": {
    document: { _id: "pulls", status: "pending", _pull: [{}] },
    says: /Its field _pull is \[\{\}\] \(array\), which is not the agent's/,
  },
  "has a status and a _pull of another program": {
    document: { _id: "two", status: "Processing", _pull: 7 },
    says: /Its status is "Processing"[^]*Its field _pull is 7/,
    mends: 2,
  },
  "has attempts that are no number": {
    document: { _id: "many", status: "pending", _pull: { attempts: "many", visible_at: LONG_AGO } },
    says: /_pull.attempts is not a number/,
  },
  "holds what JavaScript cannot hold": {
    document: { _id: "odd", status: "pending", scope: new Code("a", { b: new BSONRegExp("(?i)a", "x") }) },
    says: /takes it as a new document/,
    mends: 0,
  },
  "is typed as its digits": {
    document: { _id: new ObjectId(OID), status: "pending" },
    typed: OID,
    says: /^65f0c0ffee0123456789abcd \(ObjectId\) in /,
    mends: 0,
  },
  "is typed as mongosh prints it": {
    document: { _id: 70_000_001, status: "pending" },
    typed: "NumberLong('70000001')",
    says: /^70000001 \((double|32-bit integer)\) in /,
    mends: 0,
  },
  "is text and typed as an ObjectId": {
    document: { _id: "65f0c0ffee0123456789abce", status: "pending" },
    typed: `ObjectId("65F0C0FFEE0123456789ABCE")`,
    says: /^65f0c0ffee0123456789abce \(string\) in .*, which is not the id as it was typed, but near to it$/m,
    mends: 0,
  },
  "has an _id that is not UTF-8": {
    insert: (db) => insertInvalidUtf8(db, { _id: `a${INVALID}b`, status: "pending" }, "documents"),
    typed: "a\ufffd\ufffdb",
    says: /JavaScript cannot hold its _id unchanged/,
  },
  "has an _id with numbers for names": {
    insert: (db) => documents(db).insertOne({ _id: new Map([["b", 5], ["1", 2]]), status: "pending" }),
    typed: '{"b": 5, "1": 2}',
    says: /JavaScript cannot hold its _id unchanged/,
  },
};

/**
 * Writes that processors of the collection `orders` ask for, and what is said of those that may not be made.
 *
 * @module
 */

/** A write like most others. */
export const insert = { collection: "invoices", insertOne: { total: 3 } };
const filter = { number: 5 };
const update = { $set: { paid: true } };
const due = new Date("2027-01-01");

/** Writes that may be made. */
export const RIGHT: unknown[] = [
  insert,
  { collection: "invoices", insertOne: {} },
  { collection: "invoices", insertOne: { document: { a: 1 }, more: 1 } },
  { collection: "invoices", insertOne: { status: "processing", _pull: { token: 1 } } },
  { collection: "my invoices, all.2026", insertOne: { _id: 7 } },
  { collection: "invoices", updateOne: { filter, update } },
  { collection: "invoices", updateOne: { filter: {}, update: { $inc: { count: 1 } }, upsert: true } },
  {
    collection: "invoices",
    updateOne: { filter: { _id: 7 }, update: { $set: { status: "a" }, $unset: { b: "" } } },
  },
  {
    collection: "invoices",
    updateOne: { filter, update: [{ $set: { total: { $sum: ["$a", 1] } } }, { $unset: "a" }] },
  },
  { collection: "invoices", replaceOne: { filter, replacement: { a: 1 }, upsert: false } },
  { collection: "invoices", replaceOne: { filter, replacement: {} } },
  { collection: "invoices", deleteOne: { filter: { $or: [{ a: 1 }, { b: { $gt: 2 } }] } } },
  { collection: "orders", insertOne: { status: "pending" } },
  { collection: "orders", insertOne: { _id: 8, status: "pending", _pull: { visible_at: due } } },
  { collection: "orders", insertOne: { status: "waiting" } },
  { collection: "orders", updateOne: { filter, update } },
  { collection: "orders", updateOne: { filter: { _id: 8 }, update } },
  {
    collection: "orders",
    updateOne: { filter: { _id: { $in: [8, 9] } }, update: [{ $set: { a: 1 } }, { $unset: ["b"] }] },
  },
  {
    collection: "orders",
    updateOne: { filter: { a: 1, status: "waiting" }, update: { $set: { status: "pending" } } },
  },
  {
    collection: "orders",
    updateOne: {
      filter: { status: { $in: ["pending", "waiting"] } },
      update: { $set: { status: "cancelled" } },
    },
  },
  {
    collection: "orders",
    updateOne: {
      filter,
      update: { $setOnInsert: { status: "pending", "_pull.visible_at": due } },
      upsert: true,
    },
  },
  {
    collection: "orders",
    updateOne: { filter, update: { $setOnInsert: { _pull: { visible_at: due } } }, upsert: true },
  },
  { collection: "orders", replaceOne: { filter: { status: "failed" }, replacement: { status: "pending" } } },
  { collection: "orders", deleteOne: { filter: { status: { $eq: "processed" }, day: 3 } } },
];

const AT_WORK =
  /in the collection that this agent pulls from, and an agent may be at work on it: name in the filter the/;

/** Writes that may not be made, and what is said of them. */
export const WRONG: [write: unknown, message: RegExp][] = [
  [null, /writes\[1\] must be an object such as \{ collection, insertOne: \{ \.\.\. \} \}, not null$/],
  [false, /writes\[1\] must be an object .*, not a boolean$/],
  [[insert], /writes\[1\] must be an object .*, not an array of 1$/],
  [{ insertOne: {} }, /writes\[1\] has no "collection": name the one that is written to$/],
  [{ collection: "", insertOne: {} }, /writes\[1\] has no "collection"/],
  [{ collection: 5, insertOne: {} }, /writes\[1\]\.collection must be a text, not a number$/],
  [
    { collection: "a" },
    /writes\[1\] does not say what to write: add one of insertOne, updateOne, replaceOne, deleteOne$/,
  ],
  [
    { ...insert, deleteOne: { filter } },
    /writes\[1\] has "insertOne" and "deleteOne": make two writes of it$/,
  ],
  [{ collection: "a", insert: {} }, /has "insert", .*: write \{ collection, insertOne: \{ \.\.\. \} \}$/],
  [{ collection: "a", insert_one: {} }, /has "insert_one", .*: write \{ collection, insertOne/],
  [{ collection: "a", insertMany: [] }, /has "insertMany", .*: write .*, one for each document$/],
  [
    { collection: "a", updateMany: {} },
    /has "updateMany", .*: write \{ collection, updateOne.*, one for each document$/,
  ],
  [{ collection: "a", update: {} }, /has "update", .*: write \{ collection, updateOne/],
  [{ collection: "a", upsertOne: {} }, /has "upsertOne", .*: write \{ collection, updateOne/],
  [{ collection: "a", remove: {} }, /has "remove", .*: write \{ collection, deleteOne/],
  [{ ...insert, upsert: true }, /has "upsert", .*: it belongs into updateOne or replaceOne$/],
  [{ ...insert, db: "x" }, /has "db", .*: a write has "collection" and one of insertOne, /],
  [
    { collection: "a", insertOne: [{}] },
    /writes\[1\]\.insertOne must be an object, as in .*, not an array of 1$/,
  ],
  [
    { collection: "a", insertOne: { document: { a: 1 } } },
    /insertOne has nothing but "document": write the fields them/,
  ],
  [
    { collection: "a", insertOne: { $set: { a: 1 } } },
    /insertOne has "\$set", and it is the document itself/,
  ],
  [
    { collection: "a", updateOne: { update } },
    /writes\[1\]\.updateOne has no "filter": write \{ collection, updateOne/,
  ],
  [{ collection: "a", updateOne: { filter } }, /writes\[1\]\.updateOne has no "update": /],
  [
    { collection: "a", updateOne: { filter: [], update } },
    /updateOne\.filter must be an object of conditions$/,
  ],
  [
    { collection: "a", updateOne: { filter: 7, update } },
    /updateOne\.filter must be an object of conditions$/,
  ],
  [
    { collection: "a", updateOne: { filter, update: { a: 1 } } },
    /update has "a", which is not an operator: write \{ \$set/,
  ],
  [{ collection: "a", updateOne: { filter, update: {} } }, /update has no operator: write \{ \$set/],
  [
    { collection: "a", updateOne: { filter, update: { $set: 5 } } },
    /update has \$set, which takes an object of fields, not/,
  ],
  [
    { collection: "a", updateOne: { filter, update: [] } },
    /update must be an array of stages, each with one operator/,
  ],
  [{ collection: "a", updateOne: { filter, update: [{ a: 1 }] } }, /update must be an array of stages/],
  [{ collection: "a", updateOne: { filter, update, upsert: 1 } }, /updateOne\.upsert must be true or false$/],
  [
    { collection: "a", updateOne: { filter, update, arrayFilters: [] } },
    /has "arrayFilters", which means nothing to the agent: it takes filter, update, upsert$/,
  ],
  [{ collection: "a", replaceOne: { filter } }, /replaceOne has no "replacement"/],
  [
    { collection: "a", replaceOne: { filter, replacement: update } },
    /replacement has "\$set", .*: use updateOne for op/,
  ],
  [
    { collection: "a", replaceOne: { filter, replacement: [] } },
    /replacement must be an object, the whole document$/,
  ],
  [
    { collection: "a", deleteOne: { _id: 5 } },
    /writes\[1\]\.deleteOne has no "filter": write \{ collection, deleteOne/,
  ],
  [
    { collection: "a", deleteOne: { filter: { $where: "x" } } },
    /filter uses \$where, which runs JavaScript in the server/,
  ],
  [
    { collection: "a", updateOne: { filter, update: [{ $set: { a: [{ $function: {} }] } }] } },
    /update uses \$function, which runs JavaScript/,
  ],
  [{ ...insert, collection: "a$b" }, /collection is "a\$b", which must be a collection name: without \$/],
  [{ ...insert, collection: "a\0b" }, /which must be a collection name/],
  [{ ...insert, collection: "system.users" }, /which must be a collection name/],
  [{ ...insert, collection: ".a" }, /which must be a collection name/],
  [
    { ...insert, collection: "x".repeat(251) },
    /collection makes a name of 256 bytes: MongoDB takes at most 255/,
  ],
  [
    { ...insert, collection: "orders_dead_letters" },
    /the collection of the dead letters, which only the agent writes/,
  ],
  [
    { collection: "orders", insertOne: { _id: 7 } },
    /insertOne\._id is that of the document that is being processed/,
  ],
  [
    { collection: "orders", insertOne: { _pull: {} } },
    /insertOne\._pull belongs to the agents: it may hold nothing but/,
  ],
  [
    { collection: "orders", insertOne: { _pull: { visible_at: due, token: "x" } } },
    /_pull belongs to the agents/,
  ],
  [{ collection: "orders", insertOne: { _pull: 5 } }, /_pull belongs to the agents/],
  [
    { collection: "orders", insertOne: { _pull: { visible_at: "2027-01-01" } } },
    /_pull\.visible_at must be a date, from which the document is due, not a string$/,
  ],
  [{ collection: "orders", insertOne: { "_pull.visible_at": due } }, /write _pull: \{ visible_at: DATE \}$/],
  [
    { collection: "orders", insertOne: { status: "processing" } },
    /insertOne\.status is "processing", and no agent would/,
  ],
  [
    { collection: "orders", updateOne: { filter: { _id: 7 }, update } },
    /names the document that is being .* by "set"/,
  ],
  [
    { collection: "orders", updateOne: { filter: { _id: { $in: [1, 7] } }, update } },
    /names the document that is being/,
  ],
  [
    { collection: "orders", deleteOne: { filter: { _id: 7, status: "a" } } },
    /names the document that is being/,
  ],
  [
    { collection: "orders", replaceOne: { filter: { _id: { $eq: 7 }, status: "a" }, replacement: {} } },
    /names the document that is being/,
  ],
  [
    { collection: "orders", updateOne: { filter, update: { $inc: { "_pull.attempts": 1 } } } },
    /changes "_pull", which bel/,
  ],
  [{ collection: "orders", updateOne: { filter, update: { $rename: { a: "_pull" } } } }, /changes "_pull"/],
  [
    { collection: "orders", updateOne: { filter, update: [{ $set: { "_pull.token": 1 } }] } },
    /changes "_pull"/,
  ],
  [{ collection: "orders", updateOne: { filter, update: [{ $unset: ["a", "_pull"] }] } }, /changes "_pull"/],
  [
    { collection: "orders", updateOne: { filter, update: [{ $replaceWith: {} }] } },
    /update has \$replaceWith, which may/,
  ],
  [
    { collection: "orders", updateOne: { filter, update: { $set: { status: "a" } } } },
    /updateOne changes "status" in the/,
  ],
  [{ collection: "orders", updateOne: { filter, update: { $unset: { error: "" } } } }, AT_WORK],
  [{ collection: "orders", updateOne: { filter, update: [{ $set: { processed_at: 1 } }] } }, AT_WORK],
  [
    {
      collection: "orders",
      updateOne: { filter: { status: "processing" }, update: { $set: { status: "a" } } },
    },
    AT_WORK,
  ],
  [
    {
      collection: "orders",
      updateOne: { filter: { status: { $ne: "a" } }, update: { $set: { status: "a" } } },
    },
    AT_WORK,
  ],
  [
    {
      collection: "orders",
      updateOne: { filter: { status: "a" }, update: { $set: { status: "processing" } } },
    },
    /status is "processing", and no agent would hold the document/,
  ],
  [
    {
      collection: "orders",
      updateOne: { filter: { status: "failed" }, update: { $set: { status: "pending" } } },
    },
    /sets a failed document back to "pending", and its "_pull" would keep it from being processed/,
  ],
  [
    { collection: "orders", updateOne: { filter: { "_pull.attempts": 1 }, update, upsert: true } },
    /filter names "_pull", which an upsert would insert/,
  ],
  [
    { collection: "orders", updateOne: { filter: { status: "processing" }, update, upsert: true } },
    /filter\.status is "processing"/,
  ],
  [
    {
      collection: "orders",
      updateOne: { filter, update: { $setOnInsert: { "_pull.token": 1 } }, upsert: true },
    },
    /\$setOnInsert\._pull\.token belongs to the agents/,
  ],
  [{ collection: "orders", deleteOne: { filter } }, /deleteOne deletes a document in the collection/],
  [
    { collection: "orders", replaceOne: { filter, replacement: {} } },
    /replaceOne replaces a document in the collection/,
  ],
];

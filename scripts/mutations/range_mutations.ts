import type { RangeRuleName } from "../../models/ranges/rules.ts";
import { inPlace, type Mutation } from "./mutation.ts";
import { RANGE_MODE_MUTATIONS } from "./range_mode_mutations.ts";

const CONTROL = "agent/store/ranges/range_control.ts";
const CLAIMER = "agent/store/ranges/range_claimer.ts";
const EXPIRED = "agent/store/ranges/expired_ranges.ts";
const HELD_BY = "agent/store/held_by.ts";
const NEW = "agent/store/ranges/new_documents.ts";
const OWN = "agent/store/ranges/own_leases.ts";
const RENEWAL = "agent/store/ranges/range_renewal.ts";
const RANGES = "agent/store/ranges/ranges.ts";

const RACES = "tests/integration/ranges_races_test.ts";
const RULES = "tests/integration/ranges_rules_test.ts";
const REFUSALS = "tests/integration/ranges_refusals_test.ts";
const COMMANDS = "tests/integration/ranges_commands_test.ts";
const RENEWALS = "tests/integration/ranges_renewal_test.ts";
const IDS = "tests/integration/ranges_ids_test.ts";
const TESTS = "tests/integration/ranges_test.ts";

/** The rules of range claims, by their names in the model; none that the program does not have yet. */
export const RANGE_MUTATIONS: Readonly<Partial<Record<RangeRuleName, Mutation>>> = {
  boundsByIndex: {
    what: "a query for a part of the order compares ids of one type",
    edits: inPlace(
      NEW,
      'conditions.push({ $gt: ["$_id", { $literal: above }] });',
      'conditions.push({ $gt: ["$_id", { $literal: above }] }, { $or: [{ $eq: [{ $type: { $literal: above } }, "minKey"] }, ' +
        '{ $eq: [{ $type: "$_id" }, { $type: { $literal: above } }] }] });',
    ),
    caughtBy: [{ file: IDS, test: "reaches ids of every type" }],
  },
  comparesVersion: {
    what: "a swap does not compare the version",
    edits: inPlace(CONTROL, "        version: state.version,\n        mode:", "        mode:"),
    caughtBy: [{ file: RULES, test: "(rule R8a)" }],
  },
  versionsAreUnique: {
    what: "the version is counted",
    edits: inPlace(
      CONTROL,
      "const version = crypto.randomUUID();",
      'const version = String((Number(state.version?.replace(/-.*/, "")) || 0) + 1);',
    ),
    caughtBy: [{ file: RACES, test: "a swap that relies on one which a failover has taken back" }],
  },
  readsControlFirst: {
    what: "the ranges are read once more after the ids",
    edits: inPlace(
      CLAIMER,
      "const documents = await this.#take(found);",
      "const documents = await this.#take({ ...found, state: await this.#readState() });",
    ),
    caughtBy: [{ file: RULES, test: "(rule R8b)" }],
  },
  startsOver: {
    what: "an agent looks from the position alone",
    edits: inPlace(CLAIMER, "if (ahead) return ahead;", "return ahead;"),
    caughtBy: [{ file: IDS, test: "reaches ids of every type" }],
  },
  acksListed: {
    what: "an ack matches all that is new",
    edits: inPlace(
      HELD_BY,
      "return { _id: _id!, $or: [areNew, areLeased] } as Filter<Document>;",
      "return { $or: [areNew, _id ? areLeased : {}] } as Filter<Document>;",
    ),
    caughtBy: [{ file: TESTS, test: "writes nothing on the documents that it claims" }],
  },
  namesNew: {
    what: "an ack matches documents with bookkeeping",
    edits: inPlace(
      NEW,
      "return { ...NEW, _id: among(ids) };",
      'return { status: "pending", _id: among(ids) };',
    ),
    caughtBy: [{ file: RULES, test: "(rule R2a)" }],
  },
  namesStatus: {
    what: "an ack matches documents of any status",
    edits: inPlace(
      NEW,
      "return { ...NEW, _id: among(ids) };",
      "return { _pull: NEW._pull, _id: among(ids) } as Filter<Document>;",
    ),
    caughtBy: [{ file: RULES, test: "(rule R16)" }],
  },
  oneTransaction: {
    what: "a transaction whose ack misses is committed",
    edits: inPlace(
      "agent/store/effects/one_transaction.ts",
      'if (matchedCount < acks.length) return { kind: "missed" };',
      "void matchedCount;",
    ),
    caughtBy: [{ file: RULES, test: "(rule R16)" }],
  },
  leasesBeforeVerdict: {
    what: "the letter is written while the document is new",
    edits: inPlace(
      RANGES,
      "if (!isInRange(document)) return await maker.make(document, error);",
      "if (isInRange(document)) return await maker.makeWithoutLease(document, error);",
    ),
    caughtBy: [{ file: RULES, test: "(rule R18)" }],
  },
  failsRefused: {
    what: "a document that takes no lease stays as it is",
    edits: inPlace(RANGES, "return await maker.makeWithoutLease(document, error);", "return 0;"),
    caughtBy: [{ file: REFUSALS, test: "lets a document fail by its status" }],
  },
  awaitsAcks: {
    what: "a range is dropped before the acks are answered",
    edits: inPlace(
      RANGES,
      "    const result = await write;\n    leaveRanges(documents);",
      "    leaveRanges(documents);\n    const result = await write;",
    ),
    caughtBy: [{ file: RULES, test: "(rule R13a)" }],
  },
  releasesInDrain: {
    what: "a drain writes nothing on what it has not started",
    edits: inPlace(
      "agent/store/outcomes/ack_nack_release.ts",
      "return writeGroup(group, released(group[0]!, back), { ...options, done: { ...back, ...UNLEASED } });",
      "if (isInRange(group[0]!)) return Promise.resolve({ matched: group.length, missed: [], refused: new Map() });\n" +
        "  return writeGroup(group, released(group[0]!, back), { ...options, done: { ...back, ...UNLEASED } });",
    ),
    caughtBy: [{ file: TESTS, test: "releases at once what a drain has not started" }],
  },
  leavesRange: {
    what: "what is open stays in its range",
    edits: inPlace(
      RENEWAL,
      "await attempt(() => leaveRange(inRange, options));",
      "for (const document of inRange) document.leaseRenewed(options.clock.monotonicMs());",
    ),
    caughtBy: [{ file: RENEWALS, test: "gives documents leases of their own at the first renewal" }],
  },
  leasesByFilter: {
    what: "the write of a lease names `_id` alone",
    edits: inPlace(
      OWN,
      "send: () => writeGroup(group, update, { ...options, done })",
      "send: async () => {\n" +
        "        await options.collection.updateMany({ _id: { $in: group.map(({ id }) => id) as never[] } }, update);\n" +
        "        return await writeGroup(group, update, { ...options, done });\n      }",
    ),
    caughtBy: [{ file: RULES, test: "(rule R20b)" }],
  },
  matchesOwnLease: {
    what: "the filter of an outcome matches new documents alone",
    edits: inPlace(HELD_BY, "$or: [areNew, areLeased] }", "$or: areLeased ? [areNew] : [] }"),
    caughtBy: [{ file: REFUSALS, test: "meets a document that gets a lease of its own meanwhile" }],
  },
  namesOwnToken: {
    what: "the filter of an outcome matches each document in processing",
    edits: inPlace(
      HELD_BY,
      "const { _id: _, ...areLeased } = leasedBy(ids, token);",
      'const areLeased = token ? { status: "processing" } : {};',
    ),
    caughtBy: [{ file: TESTS, test: "gives the documents of a range that ran out to document mode" }],
  },
  renewsOwnLeases: {
    what: "a lease of a document's own is renewed by no write",
    edits: inPlace(
      RENEWAL,
      "if (inRange.length === 0) return await renewOthers(documents);",
      "if (inRange.length === 0) return [];",
    ),
    caughtBy: [{ file: RULES, test: "(rule R20e)" }],
  },
  takesOverFirst: {
    what: "what was read is marked although the takeover has missed",
    edits: inPlace(EXPIRED, "if (!isOurs) return false;", "void isOurs;"),
    caughtBy: [{ file: RULES, test: "(rule R11a)" }],
  },
  comparesToken: {
    what: "a takeover does not compare the token",
    edits: [
      ...inPlace(CONTROL, "to: { $eq: to }, token } },", "to: { $eq: to }, ...(token ? {} : {}) } },"),
      ...inPlace(CONTROL, '{ $and: [{ $eq: ["$$this.token", token] }, {', "{ $and: [{"),
    ],
    caughtBy: [{ file: RULES, test: "(rule R11b)" }],
  },
  comparesBounds: {
    what: "a takeover does not compare the bounds",
    edits: inPlace(
      CONTROL,
      "from: { $eq: from }, to: { $eq: to }, token",
      "...(from && to ? {} : {}), token",
    ),
    caughtBy: [{ file: RULES, test: "(rule R11c)" }],
  },
  leftByItsFilter: {
    what: "what is left of a range is read without its filter",
    edits: inPlace(
      EXPIRED,
      "text === undefined ? undefined : filterIn(text)",
      "text && filterIn(text) && undefined",
    ),
    caughtBy: [{ file: RULES, test: "(rule R17)" }],
  },
  awaitsMarks: {
    what: "a range is dropped although a mark has no answer",
    edits: inPlace(
      "agent/store/ranges/mark_writer.ts",
      "if (!isOfDocument(error)) throw error;",
      "if (!isOfDocument(error)) return;",
    ),
    caughtBy: [{ file: RULES, test: "(rule R11d)" }],
  },
  marksTakeover: {
    what: "a mark counts no takeover",
    edits: inPlace(EXPIRED, "takeovers: 1 }", "takeovers: 0 }"),
    caughtBy: [{ file: TESTS, test: "isolates a document that ends its process" }],
  },
  staysOld: {
    what: "a requeue removes the bookkeeping",
    edits: inPlace(
      "agent/store/requeue/documents_to_requeue.ts",
      '      $set: { status: "pending", _pull: { visible_at: at } },\n      $unset: { processed_at: "", error: "" },',
      '      $set: { status: "pending", ...(at ? {} : {}) },\n      $unset: { processed_at: "", error: "", _pull: "" },',
    ),
    caughtBy: [{ file: COMMANDS, test: "no late ack meets what it starts over" }],
  },
  requeueLeavesNew: {
    what: "a requeue writes on documents that no agent has run",
    edits: inPlace(
      "agent/store/requeue/standing.ts",
      '{ case: IS_NEW_AND_DUE, then: "waiting" },',
      '{ case: IS_NEW_AND_DUE, then: "free" },',
    ),
    caughtBy: [{ file: COMMANDS, test: "requeue leaves the documents of a range alone" }],
  },
  ...RANGE_MODE_MUTATIONS,
};

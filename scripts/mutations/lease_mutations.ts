import { inPlace, type Mutation, WITNESS } from "./mutation.ts";

const QUERIES = "agent/store/queries.ts";
const CLAIM_WRITER = "agent/store/claims/claim_writer.ts";
const ENDINGS = "agent/store/outcomes/ack_nack_release.ts";
const POOL = "agent/handling/pool.ts";

/** Rules on claims, leases, attempts and suspects, by their names in the model. */
export const LEASE_MUTATIONS = {
  tokenIsLease: {
    what: "the query for expired leases asks for no token",
    edits: inPlace(
      QUERIES,
      "const EXPIRED = { ...CLAUSES.processing, ...CLAUSES.hasToken, ...DUE };",
      "const EXPIRED = { ...CLAUSES.processing, ...DUE };",
    ),
    caughtBy: [{ file: "tests/integration/claim_protocol_test.ts", test: "(rule 1)" }],
  },
  stillMatches: {
    what: "a claim is written by `_id` alone",
    edits: inPlace(
      CLAIM_WRITER,
      "const query = { $and: [{ _id: { $in: ids } } as Filter<Document>, this.#query] };",
      "const query = { _id: { $in: ids } } as Filter<Document>;",
    ),
    caughtBy: [{ file: "tests/integration/claim_protocol_test.ts", test: "(rule 2)" }],
  },
  onlyItsToken: {
    what: "all that a claim asked for counts as claimed",
    edits: inPlace(
      "agent/store/claims/kind_claimer.ts",
      "asRead && !marked.isUnconfirmed && marked.documents === ids.length",
      "asRead",
    ),
    caughtBy: [{
      file: "tests/integration/claim_protocol_test.ts",
      test: "a claim that lost some documents to another agent",
    }],
  },
  tokenInFilter: {
    what: "the writes of a holder name no token",
    edits: inPlace(
      QUERIES,
      '"_pull.token": token, status: "processing" };',
      '...(token ? {} : {}), status: "processing" };',
    ),
    caughtBy: [{ file: "tests/integration/ack_nack_release_test.ts", test: "no write of a former holder" }],
  },
  statusInFilter: {
    what: "the writes of a holder name no status",
    edits: inPlace(QUERIES, '"_pull.token": token, status: "processing" };', '"_pull.token": token };'),
    caughtBy: [{ file: "tests/integration/ack_nack_release_test.ts", test: "no write of a former holder" }],
  },
  serverClock: {
    what: "a lease counts as over before it is",
    edits: inPlace(
      QUERIES,
      'isPast: { $expr: { $lte: ["$_pull.visible_at", NOW] } },',
      'isPast: { $expr: { $lte: ["$_pull.visible_at", { $add: [NOW, 3_600_000] }] } },',
    ),
    caughtBy: [{
      file: "tests/integration/leases_test.ts",
      test: "are taken over when they have expired, not before",
    }],
  },
  renewal: {
    what: "leases are not renewed",
    edits: inPlace(
      "agent/leases/lease_keeper.ts",
      "if (due.length === 0) return;",
      "if (due.length >= 0) return;",
    ),
    caughtBy: [{
      file: "tests/unit/agent/leases/lease_keeper_test.ts",
      test: "renews all that is held every third",
    }],
  },
  drainWaits: {
    what: "an agent that drains does not wait for its claim, nor look what it took",
    edits: [
      ...inPlace("agent/agent.ts", "await doneBy(loop, { signal: working });", ""),
      ...inPlace(
        "agent/claiming/poll_loop.ts",
        "pool.release(await store.recover());",
        "void [pool, store];",
      ),
    ],
    caughtBy: [{ file: "tests/unit/agent/agent_drain_test.ts", test: "waits for a claim under way" }],
  },
  readsBookkeepingBack: {
    what: "documents with bookkeeping are used as read",
    edits: inPlace(
      "agent/store/claims/kind_claimer.ts",
      'const isWhole = kind === "new_documents" && readBack === "contended";',
      'const isWhole = readBack === "contended";',
    ).concat(inPlace(
      "agent/store/claims/candidates.ts",
      "documents.every(({ bookkeeping }) => bookkeeping === undefined) ? documents : undefined",
      "documents",
    )),
    caughtBy: [{ file: "tests/integration/claim_protocol_test.ts", test: "(rule 9)" }],
  },
  releaseRefunds: {
    what: "a release leaves the attempts as they are",
    edits: inPlace(
      ENDINGS,
      '{ $set: back, $inc: { "_pull.attempts": -1, ...counts } }',
      "{ $set: back, $inc: counts }",
    ),
    caughtBy: [{ file: "tests/integration/ack_nack_release_test.ts", test: "has its attempt back" }],
  },
  freeTakeover: {
    what: "each takeover counts an attempt",
    edits: inPlace(
      CLAIM_WRITER,
      '? { "_pull.takeovers": 1 }\n      :',
      '? { "_pull.takeovers": 1, "_pull.attempts": 1 }\n      :',
    ),
    caughtBy: [{ file: "tests/integration/claim_protocol_test.ts", test: "(rule 11)" }, WITNESS],
  },
  cappedAttempts: {
    what: "the takeover of a suspect always counts an attempt",
    edits: inPlace(
      CLAIM_WRITER,
      "(alone > 0 && attempts < maxAttempts)",
      "(alone > 0 && maxAttempts > 0 && attempts >= 0)",
    ),
    caughtBy: [{ file: "tests/integration/suspects_test.ts", test: "up to MAX_ATTEMPTS" }],
  },
  suspectsByTakeovers: {
    what: "no document is a suspect",
    edits: inPlace(QUERIES, "const TAKEOVERS_IN_COMPANY = 1;", "const TAKEOVERS_IN_COMPANY = 1000;"),
    caughtBy: [{ file: "tests/integration/suspects_test.ts", test: "the second finds a suspect" }, WITNESS],
  },
  suspectsAlone: {
    what: "a suspect is claimed while the agent holds others",
    edits: inPlace(
      "agent/claiming/suspect_isolation.ts",
      "if (documents === 0) return true;",
      "if (documents >= 0) return true;",
    ),
    caughtBy: [{
      file: "tests/unit/agent/claiming/suspect_isolation_test.ts",
      test: "until nothing else is held",
    }],
  },
  markBeforeStart: {
    what: "the claim of a suspect makes its mark",
    edits: inPlace(
      CLAIM_WRITER,
      '...(isTakeover(kind) ? { "_pull.takeovers": 1 } : {}),',
      '...(isTakeover(kind) ? { "_pull.takeovers": 1, "_pull.alone": 1 } : {}),',
    ),
    caughtBy: [
      { file: "tests/integration/suspects_test.ts", test: "the mark is written once for a start" },
      WITNESS,
    ],
  },
  noAnswerNoStart: {
    what: "a suspect starts although its mark has no answer",
    edits: inPlace(
      POOL,
      "if (store.isTransient(error)) return [notStarted];",
      "if (store.isTransient(error)) return await runHandler(run, this.#runOptions);",
    ),
    caughtBy: [{ file: "tests/unit/agent/handling/pool_test.ts", test: "starts no suspect whose mark" }],
  },
  markNeedsLease: {
    what: "a mark is written on an expired lease, too",
    edits: inPlace(
      "agent/store/lease_writes.ts",
      "{ ...leasedBy([document.id], document.token), ...live },",
      "{ ...leasedBy([document.id], document.token), ...(live ? {} : {}) },",
    ),
    caughtBy: [{ file: "tests/integration/suspects_test.ts", test: "not if the lease is over" }],
  },
  releaseTakesMarkBack: {
    what: "a release leaves the mark",
    edits: inPlace(
      "agent/store/outcomes/end_of_lease.ts",
      'return suspect ? { "_pull.alone": suspect.expiriesAlone } : {};',
      "return suspect ? {} : {};",
    ),
    caughtBy: [{ file: "tests/integration/suspects_test.ts", test: "a release takes back its own mark" }],
  },
  releaseKeepsSuspicion: {
    what: "a release clears the suspicion",
    edits: inPlace(
      ENDINGS,
      "{ ...withoutAttempt(document, back), $unset: LEASE_FIELDS }",
      '{ ...withoutAttempt(document, back), $unset: { ...LEASE_FIELDS, "_pull.takeovers": "" } }',
    ),
    caughtBy: [{ file: "tests/integration/claim_protocol_test.ts", test: "a release keeps them" }],
  },
  twoExpiries: {
    what: "one process that ended alone is enough for a dead letter",
    edits: inPlace(QUERIES, "export const EXPIRIES_ALONE = 2;", "export const EXPIRIES_ALONE = 1;"),
    caughtBy: [
      { file: "tests/integration/suspects_test.ts", test: "two expired leases while alone" },
      WITNESS,
    ],
  },
} as const satisfies Record<string, Mutation>;

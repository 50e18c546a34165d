import { LEASE_MUTATIONS } from "./lease_mutations.ts";
import { inPlace, type Mutation, WITNESS } from "./mutation.ts";

const TRANSACTION = "agent/store/effects/one_transaction.ts";
const EFFECTS = "agent/store/effects/effect_writer.ts";
const SNOOZE = "agent/store/outcomes/snooze.ts";
const CHECKPOINTS = "agent/store/outcomes/carried_checkpoints.ts";

/** Rules on the writes of processors, snoozes and checkpoints, by their names in the model. */
export const RESULT_MUTATIONS = {
  oneTransaction: {
    what: "the writes are made beside the transaction",
    edits: inPlace(
      "agent/store/effects/transactions.ts",
      "          session,\n          ordered: true,",
      "          ordered: true,",
    ),
    caughtBy: [{ file: "tests/integration/effect_faults_test.ts", test: "before the transaction" }, WITNESS],
  },
  acksFirst: {
    what: "the writes come before the acks",
    edits: [
      ...inPlace(
        TRANSACTION,
        "  try {\n    const { matchedCount }",
        "  const ack = async (): Promise<Ending | undefined> => { try {\n    const { matchedCount }",
      ),
      ...inPlace(
        TRANSACTION,
        "return afterError(error, ofMark.length === 1 ? ofMark[0] : undefined, refusalOf(error));\n  }\n",
        "return afterError(error, ofMark.length === 1 ? ofMark[0] : undefined, refusalOf(error));\n  }\n  return undefined; };\n",
      ),
      ...inPlace(
        TRANSACTION,
        "  return undefined;\n}\n\n/** The marks",
        "  return await ack();\n}\n\n/** The marks",
      ),
    ],
    caughtBy: [{ file: "tests/integration/effect_faults_test.ts", test: "under each failure of the server" }],
  },
  missAborts: {
    what: "a transaction whose acks miss is committed",
    edits: inPlace(
      TRANSACTION,
      'if (matchedCount < acks.length) return { kind: "missed" };',
      "void matchedCount;",
    ),
    caughtBy: [{ file: "tests/integration/effect_faults_test.ts", test: "before the transaction" }],
  },
  retryFenced: {
    what: "a commit without an answer counts as a refusal",
    edits: inPlace(
      TRANSACTION,
      'return { kind: "unknown", error };',
      'return { kind: "refused", ack: acks[0], error };',
    ),
    caughtBy: [{ file: "tests/integration/effect_faults_test.ts", test: "under each failure of the server" }],
  },
  othersGoAgain: {
    what: "a refusal is a failure of all documents in the transaction",
    edits: inPlace(
      EFFECTS,
      "    if (acks.length === 1) {\n      this.#refused.set(acks[0]!, error);\n      return;",
      "    if (acks.length > 0) {\n      for (const ack of acks) this.#refused.set(ack, error);\n      return;",
    ),
    caughtBy: [{ file: "tests/integration/effects_test.ts", test: "refuses among a hundred fails alone" }],
  },
  conflictIsNoFailure: {
    what: "a conflict is a failure of all documents in the transaction",
    edits: inPlace(
      EFFECTS,
      'return await this.#conflicted(part, ending.error);\n      case "forbidden":',
      'for (const ack of acks) this.#refused.set(ack, ending.error);\n        return;\n      case "forbidden":',
    ),
    caughtBy: [{ file: "tests/integration/effect_faults_test.ts", test: "a short conflict" }],
  },
  snoozeRefunds: {
    what: "a snooze leaves the attempts as they are",
    edits: inPlace(
      SNOOZE,
      'withoutAttempt(document, back, { "_pull.snoozes": 1 })',
      '{ $set: back, $inc: { "_pull.snoozes": 1 } }',
    ),
    caughtBy: [
      { file: "tests/integration/snooze_test.ts", test: "with its attempt and errors as before" },
      WITNESS,
    ],
  },
  snoozeKeepsSuspicion: {
    what: "a snooze clears the suspicion",
    edits: inPlace(
      SNOOZE,
      "{ ...update, $unset: LEASE_FIELDS }",
      '{ ...update, $unset: { ...LEASE_FIELDS, "_pull.takeovers": "" } }',
    ),
    caughtBy: [{ file: "tests/integration/snooze_test.ts", test: "is claimed as a suspect again" }],
  },
  claimAsksDue: {
    what: "the write of a claim does not ask for the time",
    edits: inPlace(
      "agent/store/claims/claim_writer.ts",
      "const query = claimable(kind, options.server.time, options.filter);",
      "const query = { ...claimable(kind, options.server.time, options.filter), $expr: true };",
    ),
    caughtBy: [{ file: "tests/integration/snooze_test.ts", test: "(rule 37)" }],
  },
  checkpointFenced: {
    what: "the write of a checkpoint names no token",
    edits: inPlace(
      "agent/store/outcomes/group_write.ts",
      "updateOne: { filter: heldBy([document]), update",
      'updateOne: { filter: { _id: document.id, status: "processing" } as Filter<Document>, update',
    ),
    caughtBy: [{ file: "tests/integration/checkpoints_test.ts", test: "(rule 38)" }],
  },
  checkpointOrder: {
    what: "a checkpoint replaces each other one",
    edits: inPlace(
      CHECKPOINTS,
      'return { ...update, $max: { ...update.$max, "_pull.saved": { n, data } } }',
      'return { ...update, $set: { ...update.$set, "_pull.saved": { n, data } } }',
    ),
    caughtBy: [{ file: "tests/integration/checkpoints_test.ts", test: "(rule 39)" }],
  },
  checkpointCarried: {
    what: "a checkpoint that waits for its renewal is dropped",
    edits: inPlace(
      CHECKPOINTS,
      "  const carried = takeCheckpoints(documents);\n  const first",
      "  const carried: Carried = new Map(documents.length < 0 ? takeCheckpoints(documents) : []);\n  const first",
    ),
    caughtBy: [{
      file: "tests/integration/checkpoints_test.ts",
      test: "leaves the last checkpoint of each run",
    }, WITNESS],
  },
  checkpointReadBack: {
    what: "a run gets the checkpoint that was read with the candidate",
    edits: LEASE_MUTATIONS.readsBookkeepingBack.edits,
    caughtBy: [{ file: "tests/integration/checkpoints_test.ts", test: "(rule 41)" }],
  },
  ackDropsCheckpoint: {
    what: "an ack leaves the checkpoint",
    edits: inPlace(
      "agent/store/outcomes/ack_nack_release.ts",
      '    $set: { ...set, status: "processed", _pull: { attempts } },\n    $currentDate: { processed_at: true },\n    $unset: { error: "" },',
      '    $set: { ...set, status: "processed", "_pull.attempts": attempts },\n    $currentDate: { processed_at: true },\n' +
        '    $unset: { error: "", "_pull.token": "", "_pull.owner": "", "_pull.visible_at": "" },',
    ),
    caughtBy: [
      { file: "tests/integration/ack_nack_release_test.ts", test: "keeps only the attempts" },
      WITNESS,
    ],
  },
  redriveDropsCheckpoint: {
    what: "a redrive leaves the checkpoint",
    edits: inPlace("agent/store/dead_letters/letters_for_commands.ts", '  "_pull.saved": "",\n', ""),
    caughtBy: [{ file: "tests/integration/checkpoints_test.ts", test: "(rule 43)" }],
  },
} as const satisfies Record<string, Mutation>;

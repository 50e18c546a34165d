import { inPlace, type Mutation, WITNESS } from "./mutation.ts";

const MAKER = "agent/store/dead_letters/dead_letter_maker.ts";
const COMMANDS = "agent/store/dead_letters/letters_for_commands.ts";

/** Rules on dead letters and on requeues, by their names in the model. */
export const LETTER_MUTATIONS = {
  verdictFirst: {
    what: "the mark comes before the copy",
    edits: inPlace(
      MAKER,
      "if (!await writeLetter({ id, deadAt, failures, ...content }, this.#options)) return 0;",
      "if (isOnDocument) await this.#mark(held, WITH_VERDICT);\n" +
        "    if (!await writeLetter({ id, deadAt, failures, ...content }, this.#options)) return 0;",
    ),
    caughtBy: [{ file: "tests/integration/dead_letters_test.ts", test: "one holds the document" }, WITNESS],
  },
  verdictOnce: {
    what: "a verdict replaces an earlier one",
    edits: inPlace(
      MAKER,
      "{ ...held, ...UNJUDGED },\n          { ...noted",
      "{ ...held },\n          { ...noted",
    ),
    caughtBy: [{ file: "tests/integration/dead_letter_crashes_test.ts", test: "(rule 22)" }],
  },
  finishVerdict: {
    what: "a document with a verdict runs again",
    edits: inPlace(
      "agent/settling/outcome.ts",
      'if (verdict) return { kind: "finish_verdict" };',
      "void verdict;",
    ),
    caughtBy: [{ file: "tests/unit/agent/handling/pool_test.ts", test: "a document with a verdict" }],
  },
  newerLetterStays: {
    what: "a copy replaces each letter",
    edits: inPlace(
      "agent/store/dead_letters/letter_writer.ts",
      "{ $not: [{ $and: isNewer }] },",
      "{ $literal: isNewer.length > 0 },",
    ),
    caughtBy: [{ file: "tests/integration/dead_letters_test.ts", test: "(rule 24)" }],
  },
  redriveByVerdict: {
    what: "a redrive and a removal name `_id` alone",
    edits: [
      ...inPlace(
        COMMANDS,
        'status: "failed", "_pull.dead_at": verdict };',
        'status: "failed", ...(verdict ? {} : {}) };',
      ),
      ...inPlace(COMMANDS, "dead_at: dead_at ?? null, ...lettersOf", "...(dead_at ? {} : {}), ...lettersOf"),
    ],
    caughtBy: [{ file: "tests/integration/letters_for_commands_test.ts", test: "(rule 25)" }],
  },
  documentBeforeLetter: {
    what: "a redrive removes the letter first",
    edits: inPlace(
      COMMANDS,
      "const nameable = letters.filter(isNameable);\n    const written",
      "const nameable = letters.filter(isNameable);\n    const { failure } = await this.removeAll(nameable);\n" +
        "    if (failure) throw failure.cause;\n    const written",
    ),
    caughtBy: [{ file: "tests/integration/letters_for_commands_test.ts", test: "(rules 26, 27)" }, WITNESS],
  },
  staleLettersGo: {
    what: "stale letters stay",
    edits: [
      ...inPlace(
        MAKER,
        "await letters.deleteOne({ _id: { $eq: id } as never, dead_at: deadAt, ...lettersOf(collection) });",
        "void [letters, lettersOf];",
      ),
      ...inPlace(
        COMMANDS,
        "await this.removeAll(stale);",
        "await this.removeAll(stale.slice(stale.length));",
      ),
    ],
    caughtBy: [{
      file: "tests/integration/dead_letter_crashes_test.ts",
      test: "comes late, when its document",
    }, {
      file: "tests/integration/letters_for_commands_test.ts",
      test: "(rules 26, 27)",
    }],
  },
  datedWhileHeld: {
    what: "a letter without a verdict is written although the document is not held any more",
    edits: inPlace(
      MAKER,
      "if (!seen) return undefined;",
      "if (!seen) return { deadAt: this.#options.serverClock.now(), seenAt: this.#options.serverClock.now(), isOnDocument: false };",
    ),
    caughtBy: [{ file: "tests/integration/late_references_test.ts", test: "takes no verdict and freezes" }],
  },
  requeueAsRead: {
    what: "the write of a requeue names `_id` alone",
    edits: inPlace(
      "agent/store/requeue/as_found.ts",
      "$expr: { $and: [...state, verdict] },",
      "...(state && verdict ? {} : {}),",
    ),
    caughtBy: [{ file: "tests/integration/requeue_races_test.ts", test: "(rule 44)" }],
  },
} as const satisfies Record<string, Mutation>;

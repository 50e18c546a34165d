import type { RangeRuleName } from "../../models/ranges/rules.ts";
import { inPlace, type Mutation } from "./mutation.ts";

const LEASE = "agent/store/ranges/mode_lease.ts";

const MODES = "tests/integration/ranges_refused_test.ts";
const RULES = "tests/integration/ranges_rules_test.ts";

/** The rules on both modes at once, by their names in the model; none that the program does not have yet. */
export const RANGE_MODE_MUTATIONS: Readonly<Partial<Record<RangeRuleName, Mutation>>> = {
  takesMode: {
    what: "an agent in document mode does not take the mode",
    edits: inPlace(
      "agent/store/claims/kind_claimer.ts",
      'if (kind === "new_documents") await documentMode?.begin(onRangesEnded);',
      "void [documentMode, onRangesEnded];",
    ),
    caughtBy: [{ file: MODES, test: "refuses to claim beside document mode, and the reverse" }],
  },
  awaitsRanges: {
    what: "document mode is taken beside ranges",
    edits: inPlace(
      LEASE,
      "mode_until: { $not: { $gt: over } }, ranges: NO_RANGES },",
      "mode_until: { $not: { $gt: over } } },",
    ),
    caughtBy: [{ file: MODES, test: "refuses to claim beside document mode, and the reverse" }],
  },
  awaitsMode: {
    what: "the mode changes while the lease of another one is live",
    edits: inPlace(
      LEASE,
      "mode_until: { $not: { $gt: over } }, ranges: NO_RANGES },",
      "...(over ? {} : {}), ranges: NO_RANGES },",
    ),
    caughtBy: [{ file: MODES, test: "refuses to claim beside document mode, and the reverse" }],
  },
  modeChangesVersion: {
    what: "a change of the mode leaves the version",
    edits: inPlace(
      LEASE,
      "mode_until: until, version: crypto.randomUUID(), ...ranges } },",
      "mode_until: until, ...ranges } },",
    ),
    caughtBy: [{ file: RULES, test: "(rule R14d)" }],
  },
  claimsCarryMode: {
    what: "a claim of new documents matches whenever it arrives",
    edits: inPlace(
      "agent/store/ranges/document_mode.ts",
      "return { $expr: { $lt: [NOW, this.#until] } };",
      "return undefined;",
    ),
    caughtBy: [{ file: RULES, test: "(rule R14e)" }],
  },
  waitsAfterMaking: {
    what: "a document that was removed is made anew in the mode of the agent",
    edits: inPlace(
      LEASE,
      "const hasToWait = await this.#wasRemoved();",
      "const hasToWait = await this.#wasRemoved() && false;",
    ),
    caughtBy: [{ file: "tests/integration/ranges_removed_test.ts", test: "(rule R14f)" }],
  },
  looksForOthers: {
    what: "range mode is taken although an agent in document mode shows itself",
    edits: inPlace(
      LEASE,
      "const isOtherAlive = await this.#isDocumentModeAlive();",
      "const isOtherAlive = await this.#isDocumentModeAlive() && false;",
    ),
    caughtBy: [{ file: MODES, test: "CLAIM_MODE of range takes no mode beside a live agent" }],
  },
  leaseTellsMode: {
    what: "a claim by document leaves no count of takeovers",
    edits: inPlace(
      "agent/store/claims/claim_writer.ts",
      'const OF_RANGE_MODE: UpdateFilter<Document> = { $max: { "_pull.takeovers": 0 } };',
      "const OF_RANGE_MODE: UpdateFilter<Document> = {};",
    ),
    caughtBy: [{ file: MODES, test: "claims beside a document that" }],
  },
};

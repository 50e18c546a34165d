import { LOOKS, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** What the agent reads and writes in the database besides the documents. */
export const DATABASE_SETTINGS = {
  deadLetterCollection: setting<string>({
    variable: "DEAD_LETTER_COLLECTION",
    parse: parse.collectionName,
    fallback: ({ mongodbCollection }) => `${mongodbCollection}_dead_letters`,
    defaultText: "`<collection>_dead_letters`",
    decides: LOOKS.name,
    doc:
      "Collection of the same database for the copies of dead letters. Every collection needs one of its own.",
  }),
  writesTo: setting<readonly string[] | undefined>({
    variable: "WRITES_TO",
    parse: parse.collectionNames,
    fallback: () => undefined,
    defaultText: "any collection of the database but the dead letters",
    decides: LOOKS.names,
    doc:
      "Collections that the `writes` of a processor may go to, with commas between them; `none` allows no writes.",
  }),
  readBack: setting<"contended" | "always">({
    variable: "READ_BACK",
    parse: parse.choice("contended", "always"),
    default: "contended",
    decides: /^(contended|always)$/i,
    doc:
      "`always` reads every document again after its claim. Use it if you edit documents while they are pending.",
  }),
  claimMode: setting<"document" | "range">({
    variable: "CLAIM_MODE",
    parse: parse.choice("document", "range"),
    default: "document",
    decides: /^(document|range)$/i,
    doc:
      "`document` marks each document when it is claimed. `range` claims many new documents by one write, without a write on any of them.",
  }),
  changeStream: setting<"auto" | "off">({
    variable: "CHANGE_STREAM",
    parse: parse.choice("auto", "off"),
    default: "auto",
    doc:
      "`auto` listens for changes if the server has change streams, so that new documents need not wait for `POLL_INTERVAL`.",
  }),
  ensureIndexes: setting<boolean>({
    variable: "ENSURE_INDEXES",
    parse: parse.boolean,
    default: "true",
    doc: "If they are missing, create the two indexes that the agent's queries need, in the background.",
  }),
} as const;

import { LOOKS, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** Where the documents are. */
export const SOURCE_SETTINGS = {
  mongodbUri: setting<string>({
    variable: "MONGODB_URI",
    parse: parse.text("a connection string that begins with mongodb:// or mongodb+srv://"),
    required: true,
    hint: "set it (or MONGODB_URI_FILE) to a connection string, as mongodb://localhost:27017",
    file: { variable: "MONGODB_URI_FILE", holds: "the connection string" },
    secret: true,
    doc: "MongoDB connection string.",
  }),
  mongodbUriFile: setting<string | undefined>({
    variable: "MONGODB_URI_FILE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file that holds the connection string, instead of `MONGODB_URI`. The agent reads it again while it runs: new credentials need no restart.",
  }),
  mongodbDatabase: setting<string>({
    variable: "MONGODB_DATABASE",
    parse: parse.databaseName,
    required: true,
    hint: "set it to the database to pull from",
    doc: "Database to pull from.",
  }),
  mongodbCollection: setting<string>({
    variable: "MONGODB_COLLECTION",
    parse: parse.collectionName,
    required: true,
    hint: "set it to the collection to pull from",
    doc: "Collection to pull from. The agent does not create it.",
  }),
  filter: setting<string | undefined>({
    variable: "FILTER",
    parse: parse.query,
    fallback: () => undefined,
    defaultText: "none",
    decides: LOOKS.query,
    doc: "Only documents that match this query are pulled. Extended JSON.",
  }),
} as const;

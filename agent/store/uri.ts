import { MongoClient } from "mongodb";
import { errorText } from "../errors.ts";
import { secrets } from "../redact.ts";

/** What is wrong with a connection string, as a list of at most one sentence. Nothing is connected to. */
export function uriProblem(uri: string): string[] {
  if (!/^mongodb(\+srv)?:\/\//.test(uri)) {
    return ["MONGODB_URI is no connection string: it starts with mongodb:// or mongodb+srv://"];
  }
  try {
    new MongoClient(uri);
    return [];
  } catch (error) {
    // The driver repeats what it was given: never the whole of it may be shown.
    const why = errorText(error).replaceAll(secrets.text(uri), "the connection string");
    return [`MONGODB_URI cannot be used: ${why}`];
  }
}

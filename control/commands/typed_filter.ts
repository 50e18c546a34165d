import type { Document, Filter } from "mongodb";
import { UsageError } from "../../agent/errors.ts";
import { parseFilter } from "../../agent/store/filter.ts";

/** The filter of an option `--filter`. @throws {UsageError} If it cannot be used. */
export function typedFilter(text: string): Filter<Document> {
  try {
    return parseFilter(text);
  } catch (error) {
    throw new UsageError(`--filter ${(error as Error).message}`, { cause: error });
  }
}

import type { Document } from "mongodb";
import { UsageError } from "../../agent/errors.ts";
import { parseDocuments } from "../../agent/store/documents/json_documents.ts";
import { readText, type UserFile } from "./file_text.ts";

/**
 * Reads the documents of a file, as {@linkcode parseDocuments} does.
 *
 * @throws {UsageError} if the file cannot be read, or holds no documents, or something else
 */
export async function readDocuments(file: UserFile): Promise<Document[]> {
  const documents = parseDocuments(await readText(file), file.path);
  if (documents.length === 0) {
    throw new UsageError(
      `${file.said} holds no documents: write some into it, such as one JSON object a line`,
    );
  }
  return documents;
}

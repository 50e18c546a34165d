/**
 * The text of a user's file, or the kind of the file if it is not text.
 *
 * @module
 */

import { UserError } from "./user_error.ts";

/** The first bytes of files of other kinds, and what to do with such a file. */
const KINDS: { bytes: number[]; what: string }[] = [
  {
    bytes: [0x1f, 0x8b],
    what: "is compressed with gzip: unpack it (gunzip --keep), and name what comes of it",
  },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    what: "is compressed with zstd: unpack it (unzstd), and name what comes of it",
  },
  {
    bytes: [0x42, 0x5a, 0x68],
    what: "is compressed with bzip2: unpack it (bunzip2 --keep), and name what comes of it",
  },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: "is a zip archive, as spreadsheets are: FILE takes JSON, as mongoexport writes it",
  },
  { bytes: [0xff, 0xfe], what: "is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)" },
  { bytes: [0xfe, 0xff], what: "is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)" },
  {
    bytes: [0x6d, 0xe2, 0x99, 0x81],
    what: "is an archive of mongodump: FILE takes JSON, as mongoexport writes it",
  },
];

/**
 * Reads a file as text.
 *
 * @throws {UserError} if it cannot be read, or does not look like JSON
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  const fail = (what: string): never => {
    throw new UserError(`FILE=${path} ${what}`);
  };
  const kind = KINDS.find((each) => each.bytes.every((byte, index) => bytes[index] === byte));
  if (kind) return fail(kind.what);
  if (isBson(bytes)) {
    return fail("is BSON, as mongodump writes it: make JSON of it (bsondump), and name what comes of it");
  }
  let text: string;
  try {
    // A byte order mark is removed.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("is not text in UTF-8: FILE takes JSON, as mongoexport writes it");
  }
  if (text.trim() === "") return fail("is empty: write documents into it, such as one JSON object a line");
  const other = otherText(text, path);
  return other === undefined ? text : fail(other);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "you have no right to read it"
      : error instanceof Deno.errors.IsADirectory
      ? "it is a directory: name a file in it"
      : String(error);
    throw new UserError(`Cannot read FILE=${path}: ${why}`);
  }
}

/** Whether it begins with a document as BSON: its length, a type, and a zero at its end. */
function isBson(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  return length >= 5 && length <= bytes.length && bytes[length - 1] === 0 && bytes[4]! <= 0x13;
}

function otherText(text: string, path: string): string | undefined {
  const start = text.trimStart();
  if (start[0] === "{" || start[0] === "[") return undefined;
  if (start[0] === "<") return "is XML or HTML: FILE takes JSON, as mongoexport writes it";
  if (/\.(csv|tsv)$/i.test(path) || /^[^"\n]*[,;\t]/.test(start) || /^"[^\n]*"[,;\t]/.test(start)) {
    return "is CSV: put it into a collection (mongoimport --type csv --headerline), and take it out again as JSON " +
      "(mongoexport), or run make dev on that collection (MONGODB_URI)";
  }
  return undefined;
}

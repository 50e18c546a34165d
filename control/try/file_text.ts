/**
 * The text of a user's file, or the kind of the file if it is not text.
 *
 * @module
 */

import { UsageError } from "../../agent/errors.ts";

/** A file of documents that a user names. */
export interface UserFile {
  path: string;
  /** How the user has named it: `FILE=PATH`, `--file PATH`. */
  said: string;
}

/** The path that means standard input. */
const STANDARD_INPUT = "-";

/** What is wrong with a file, as the end of a sentence, and what to do. */
interface Problem {
  what: string;
  mend: string;
}

const NAME_JSON = "name JSON, as mongoexport writes it";

/** The first bytes of files of other kinds. */
const KINDS: { bytes: number[]; problem: Problem }[] = [
  {
    bytes: [0x1f, 0x8b],
    problem: {
      what: "is compressed with gzip",
      mend: "unpack it (gunzip --keep), and name what comes of it",
    },
  },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    problem: { what: "is compressed with zstd", mend: "unpack it (unzstd), and name what comes of it" },
  },
  {
    bytes: [0x42, 0x5a, 0x68],
    problem: {
      what: "is compressed with bzip2",
      mend: "unpack it (bunzip2 --keep), and name what comes of it",
    },
  },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    problem: { what: "is a zip archive, as spreadsheets are", mend: NAME_JSON },
  },
  { bytes: [0xff, 0xfe], problem: { what: "is UTF-16", mend: "convert it (iconv -f UTF-16 -t UTF-8)" } },
  { bytes: [0xfe, 0xff], problem: { what: "is UTF-16", mend: "convert it (iconv -f UTF-16 -t UTF-8)" } },
  {
    bytes: [0x6d, 0xe2, 0x99, 0x81],
    problem: { what: "is an archive of mongodump", mend: NAME_JSON },
  },
];

/**
 * Reads a file as text.
 *
 * @throws {UsageError} if it cannot be read, or does not look like JSON
 */
export async function readText(file: UserFile): Promise<string> {
  const bytes = await readBytes(file);
  const text = textOf(bytes);
  const problem = typeof text === "string" ? problemOf(text, file.path) : text;
  if (problem) throw new UsageError(`${file.said} ${problem.what}: ${problem.mend}`);
  return text as string;
}

/** The bytes as text; what is wrong if they are none. */
function textOf(bytes: Uint8Array): string | Problem {
  const kind = KINDS.find((each) => each.bytes.every((byte, index) => bytes[index] === byte));
  if (kind) return kind.problem;
  if (isBson(bytes)) {
    const mend = "make JSON of it (bsondump), and name what comes of it";
    return { what: "is BSON, as mongodump writes it", mend };
  }
  try {
    // A byte order mark is removed.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { what: "is not text in UTF-8", mend: NAME_JSON };
  }
}

async function readBytes({ path, said }: UserFile): Promise<Uint8Array> {
  try {
    if (path === STANDARD_INPUT) return await new Response(Deno.stdin.readable).bytes();
    return await Deno.readFile(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "you have no right to read it"
      : error instanceof Deno.errors.IsADirectory
      ? "it is a directory: name a file in it"
      : String(error);
    throw new UsageError(`Cannot read ${said}: ${why}`, { cause: error });
  }
}

/** Whether it begins with a document as BSON: its length, a type, and a zero at its end. */
function isBson(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  return length >= 5 && length <= bytes.length && bytes[length - 1] === 0 && bytes[4]! <= 0x13;
}

function problemOf(text: string, path: string): Problem | undefined {
  const start = text.trimStart();
  if (start === "") {
    return { what: "is empty", mend: "write documents into it, such as one JSON object a line" };
  }
  if (start[0] === "{" || start[0] === "[") return undefined;
  if (start[0] === "<") return { what: "is XML or HTML", mend: NAME_JSON };
  if (/\.(csv|tsv)$/i.test(path) || /^[^"\n]*[,;\t]/.test(start) || /^"[^\n]*"[,;\t]/.test(start)) {
    return {
      what: "is CSV",
      mend: "put it into a collection (mongoimport --type csv --headerline), and take it out again as JSON " +
        "(mongoexport), or use the documents of that collection (MONGODB_URI)",
    };
  }
  return undefined;
}

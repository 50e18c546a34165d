import { BSON } from "bson";
import type { TestDatabase } from "./mongod.ts";
import { COLLECTION } from "./store.ts";

/** A letter by which invalid bytes are asked for; its UTF-8 is as long as what takes its place. */
export const INVALID = "\u07ff";
const INVALID_UTF8 = new TextEncoder().encode(INVALID);

/** Inserts a document past the driver, with bytes that are not UTF-8 for each {@linkcode INVALID} in it. */
export async function insertInvalidUtf8(
  database: Pick<TestDatabase, "uri" | "name">,
  document: Record<string, unknown>,
  collection = COLLECTION,
): Promise<void> {
  const body = BSON.serialize(document);
  for (let at = 0; at < body.length - 1; at++) {
    if (body[at] === INVALID_UTF8[0] && body[at + 1] === INVALID_UTF8[1]) body.set([0xff, 0xfe], at);
  }
  await insertBytes(database, [body], collection);
}

/**
 * Inserts documents past the driver, byte for byte; returns how many the server took.
 *
 * @throws {Error} if it took none
 */
export async function insertBytes(
  { uri, name }: Pick<TestDatabase, "uri" | "name">,
  documents: readonly Uint8Array[],
  collection = COLLECTION,
): Promise<number> {
  const body = BSON.serialize({ insert: collection, ordered: false, $db: name });
  const label = new TextEncoder().encode("documents\0");
  const size = documents.reduce((sum, { length }) => sum + length, 0);
  const message = new Uint8Array(21 + body.length + 5 + label.length + size);
  const view = new DataView(message.buffer);
  view.setInt32(0, message.length, true);
  view.setInt32(4, 1, true);
  view.setInt32(12, 2013, true);
  message.set(body, 21);
  let at = 21 + body.length;
  // The documents are a sequence of their own in the message: nothing of them is parsed on the way.
  message[at] = 1;
  view.setInt32(at + 1, 4 + label.length + size, true);
  message.set(label, at + 5);
  at += 5 + label.length;
  for (const bytes of documents) {
    message.set(bytes, at);
    at += bytes.length;
  }
  const { hostname, port } = new URL(uri);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  for (let sent = 0; sent < message.length;) sent += await connection.write(message.subarray(sent));
  const { n, errmsg, writeErrors } = BSON.deserialize((await answerOn(connection)).subarray(21), {
    // The errors quote the documents.
    validation: { utf8: false },
  });
  if (!n) throw new Error(`The server inserted nothing: ${errmsg ?? JSON.stringify(writeErrors?.[0])}`);
  return n;
}

async function answerOn(connection: Deno.Conn): Promise<Uint8Array> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(64 * 1024);
  let length = Infinity;
  while (bytes.length < length) {
    const size = await connection.read(buffer);
    if (size === null) throw new Error("The server closed the connection");
    bytes.push(...buffer.subarray(0, size));
    if (bytes.length >= 4) length = new DataView(Uint8Array.from(bytes.slice(0, 4)).buffer).getInt32(0, true);
  }
  return Uint8Array.from(bytes);
}

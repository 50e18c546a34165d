import { BSON } from "bson";
import type { TestDatabase } from "./mongod.ts";
import { COLLECTION } from "./store.ts";

/** A letter by which invalid bytes are asked for; its UTF-8 is as long as what takes its place. */
export const INVALID = "\u07ff";
const INVALID_UTF8 = new TextEncoder().encode(INVALID);

/** Inserts a document past the driver, with bytes that are no UTF-8 for each {@linkcode INVALID} in it. */
export async function insertInvalidUtf8(
  database: TestDatabase,
  document: Record<string, unknown>,
): Promise<void> {
  const body = BSON.serialize({ insert: COLLECTION, documents: [document], $db: database.name });
  for (let at = 0; at < body.length - 1; at++) {
    if (body[at] === INVALID_UTF8[0] && body[at + 1] === INVALID_UTF8[1]) body.set([0xff, 0xfe], at);
  }
  const message = new Uint8Array(16 + 5 + body.length);
  const view = new DataView(message.buffer);
  view.setInt32(0, message.length, true);
  view.setInt32(4, 1, true);
  view.setInt32(12, 2013, true);
  message.set(body, 21);
  const { hostname, port } = new URL(database.uri);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  for (let sent = 0; sent < message.length;) sent += await connection.write(message.subarray(sent));
  const reply = new Uint8Array(4096);
  const size = await connection.read(reply);
  const { n } = BSON.deserialize(reply.subarray(21, size ?? 0));
  if (n !== 1) throw new Error("The server did not insert the document");
}

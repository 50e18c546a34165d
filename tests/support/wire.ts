/**
 * A connection that speaks MongoDB's protocol in bytes, for documents that no driver would send.
 *
 * @module
 */

import { BSON } from "bson";
import { bsonDocument, utf8 } from "./raw_bson.ts";

const OP_MSG = 2013;
const HEADER_BYTES = 16;

/** A connection to the server of a connection string; `using` closes it. One command at a time. */
export class WireConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  #requests = 0;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(uri: string): Promise<WireConnection> {
    const { hostname, port } = new URL(uri);
    return new WireConnection(await Deno.connect({ hostname, port: Number(port) }));
  }

  /**
   * Inserts documents as they are; returns the reason for each that the server refused, by its position.
   *
   * @throws {Error} if the server refuses the command as a whole, as it does one with BSON that is broken
   */
  async insert(
    database: string,
    collection: string,
    documents: readonly Uint8Array[],
  ): Promise<Map<number, string>> {
    // An array is a document whose names are numbers.
    const array = bsonDocument(
      documents.map((value, index) => ({ type: 0x03, name: utf8(String(index)), value })),
    );
    const head = BSON.serialize({
      insert: collection,
      ordered: false,
      writeConcern: { w: "majority" },
      $db: database,
    });
    const body = withElement(head, 0x04, "documents", array);
    const { ok, errmsg, writeErrors = [] } = await this.#command(body);
    if (!ok) throw new Error(`The server refused the insert: ${errmsg}`);
    const refused = writeErrors as { index: number; errmsg: string }[];
    return new Map(refused.map((each) => [Number(each.index), each.errmsg]));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #command(body: Uint8Array): Promise<BSON.Document> {
    const message = new Uint8Array(HEADER_BYTES + 5 + body.length);
    const view = new DataView(message.buffer);
    view.setInt32(0, message.length, true);
    view.setInt32(4, ++this.#requests, true);
    view.setInt32(12, OP_MSG, true);
    message.set(body, HEADER_BYTES + 5);
    for (let sent = 0; sent < message.length;) sent += await this.#connection.write(message.subarray(sent));
    const header = await this.#read(HEADER_BYTES);
    const rest = await this.#read(new DataView(header.buffer).getInt32(0, true) - HEADER_BYTES);
    // Errors quote what they are about: text that is no UTF-8 among it.
    return BSON.deserialize(rest.subarray(5), { validation: { utf8: false } });
  }

  async #read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await this.#connection.read(bytes.subarray(at));
      if (count === null) throw new Error("The server closed the connection");
      at += count;
    }
    return bytes;
  }
}

function withElement(document: Uint8Array, type: number, name: string, value: Uint8Array): Uint8Array {
  const added = bsonDocument([{ type, name: utf8(name), value }]);
  const bytes = new Uint8Array(document.length + added.length - 5);
  bytes.set(document.subarray(0, -1));
  bytes.set(added.subarray(4), document.length - 1);
  new DataView(bytes.buffer).setInt32(0, bytes.length, true);
  return bytes;
}

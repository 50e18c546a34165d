/**
 * Messages of MongoDB's protocol as bytes, for proxies between a driver and a server.
 *
 * @module
 */

import { BSON, type Document } from "bson";
import { bsonDocument, elementsOf, utf8 } from "./raw_bson.ts";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** A flag of an `OP_MSG`. */
const MORE_TO_COME = 2;
/** Behind the header come four bytes of flags. */
const SECTIONS_AT = HEADER_BYTES + 4;
/** Behind header and flags of an `OP_REPLY` come a cursor and two numbers. */
const REPLY_AT = HEADER_BYTES + 20;

/** The numbers of a message, by which an answer finds its request. */
export interface MessageHeader {
  requestId: number;
  responseTo: number;
  opCode: number;
}

/** A part of an `OP_MSG`: the command, or a list of documents that belongs to it. */
type Section = { command: Uint8Array } | { name: string; documents: Uint8Array[] };

/** The messages that arrive on a connection. */
export async function* messages(connection: Deno.Conn): AsyncGenerator<Uint8Array> {
  let pending = new Uint8Array();
  const chunk = new Uint8Array(64 * 1024);
  for (;;) {
    const size = await connection.read(chunk).catch(() => null);
    if (size === null) return;
    const joined = new Uint8Array(pending.length + size);
    joined.set(pending);
    joined.set(chunk.subarray(0, size), pending.length);
    pending = joined;
    while (pending.length >= 4) {
      const length = viewOf(pending).getInt32(0, true);
      if (pending.length < length) break;
      yield pending.slice(0, length);
      pending = pending.slice(length);
    }
  }
}

/** Writes all of a message. */
export async function send(connection: Deno.Conn, message: Uint8Array): Promise<void> {
  for (let sent = 0; sent < message.length;) sent += await connection.write(message.subarray(sent));
}

export function headerOf(message: Uint8Array): MessageHeader {
  const view = viewOf(message);
  return {
    requestId: view.getInt32(4, true),
    responseTo: view.getInt32(8, true),
    opCode: view.getInt32(12, true),
  };
}

/** The command in a message, without the lists of documents that may follow it; empty if there is none. */
export function commandOf(message: Uint8Array): Document {
  if (headerOf(message).opCode !== OP_MSG) return {};
  const view = viewOf(message);
  for (let at = SECTIONS_AT; at < message.length;) {
    const length = view.getInt32(at + 1, true);
    if (message[at] === 0) {
      return BSON.deserialize(message.subarray(at + 1, at + 1 + length), { bsonRegExp: true });
    }
    at += 1 + length;
  }
  return {};
}

/**
 * The command in a message with its lists of documents, also one of the old form, by which a driver says hello. Numbers
 * keep their types.
 */
export function wholeCommandOf(message: Uint8Array): Document {
  if (headerOf(message).opCode === OP_QUERY) {
    const nameEnd = message.indexOf(0, SECTIONS_AT);
    // Behind the name of a collection come two numbers.
    return parsed(message.subarray(nameEnd + 9));
  }
  const whole: Document = {};
  for (const section of sectionsOf(message)) {
    if ("command" in section) Object.assign(whole, parsed(section.command));
    else whole[section.name] = section.documents.map(parsed);
  }
  return whole;
}

/** The document that a server answers with. Numbers keep their types. */
export function answerOf(message: Uint8Array): Document {
  return parsed(answerBytes(message));
}

/** Whether a server sends further answers to the same request. */
export function hasMoreToCome(message: Uint8Array): boolean {
  return headerOf(message).opCode === OP_MSG && (message[HEADER_BYTES]! & MORE_TO_COME) !== 0;
}

/** An answer to the request with this header, in the form that the request has. */
export function answerTo({ opCode, requestId }: MessageHeader, document: Document | Uint8Array): Uint8Array {
  const body = document instanceof Uint8Array ? document : BSON.serialize(document);
  const isOld = opCode === OP_QUERY || opCode === OP_REPLY;
  const message = new Uint8Array((isOld ? REPLY_AT : SECTIONS_AT + 1) + body.length);
  const view = viewOf(message);
  view.setInt32(0, message.length, true);
  view.setInt32(8, requestId, true);
  view.setInt32(12, isOld ? OP_REPLY : OP_MSG, true);
  if (isOld) view.setInt32(REPLY_AT - 4, 1, true);
  message.set(body, message.length - body.length);
  return message;
}

/** The same answer without some of its fields. */
export function answerWithout(message: Uint8Array, fields: ReadonlySet<string>): Uint8Array {
  return answerWith(message, without(answerBytes(message), fields));
}

/** The same answer with another document. */
export function answerWith(message: Uint8Array, document: Document | Uint8Array): Uint8Array {
  const { opCode, responseTo } = headerOf(message);
  const changed = answerTo({ opCode, requestId: responseTo, responseTo: 0 }, document);
  if (opCode === OP_MSG) changed.set(message.subarray(4, 8), 4);
  if (hasMoreToCome(message)) changed[HEADER_BYTES]! |= MORE_TO_COME;
  return changed;
}

/** The same command with another body, or with fields left out of the documents of its lists. */
export function commandWith(
  message: Uint8Array,
  { body, dropped }: { body?: Document | undefined; dropped?: ReadonlySet<string> | undefined },
): Uint8Array {
  const parts = sectionsOf(message).map((section) => {
    if ("command" in section) {
      const command = body ? BSON.serialize(body) : section.command;
      return [new Uint8Array([0]), dropped ? withoutInLists(command, dropped) : command];
    }
    const documents = section.documents.map((each) => dropped ? without(each, dropped) : each);
    const content = [utf8(section.name), new Uint8Array([0]), ...documents];
    const length = new Uint8Array(4);
    viewOf(length).setInt32(0, 4 + content.reduce((sum, part) => sum + part.length, 0), true);
    return [new Uint8Array([1]), length, ...content];
  }).flat();
  const changed = new Uint8Array(SECTIONS_AT + parts.reduce((sum, part) => sum + part.length, 0));
  changed.set(message.subarray(0, SECTIONS_AT));
  let at = SECTIONS_AT;
  for (const part of parts) {
    changed.set(part, at);
    at += part.length;
  }
  viewOf(changed).setInt32(0, changed.length, true);
  return changed;
}

function sectionsOf(message: Uint8Array): Section[] {
  if (headerOf(message).opCode !== OP_MSG) return [];
  const view = viewOf(message);
  const found: Section[] = [];
  for (let at = SECTIONS_AT; at < message.length;) {
    const end = at + 1 + view.getInt32(at + 1, true);
    if (message[at] === 0) found.push({ command: message.subarray(at + 1, end) });
    else {
      const nameEnd = message.indexOf(0, at + 5);
      const name = new TextDecoder().decode(message.subarray(at + 5, nameEnd));
      const documents: Uint8Array[] = [];
      for (let from = nameEnd + 1; from < end;) {
        const length = view.getInt32(from, true);
        documents.push(message.subarray(from, from + length));
        from += length;
      }
      found.push({ name, documents });
    }
    at = end;
  }
  return found;
}

function answerBytes(message: Uint8Array): Uint8Array {
  return message.subarray(headerOf(message).opCode === OP_REPLY ? REPLY_AT : SECTIONS_AT + 1);
}

/** Types are kept, so that what is written again is what was read. */
function parsed(bytes: Uint8Array): Document {
  return BSON.deserialize(bytes, { bsonRegExp: true, promoteValues: false, validation: { utf8: false } });
}

function without(document: Uint8Array, fields: ReadonlySet<string>): Uint8Array {
  const elements = elementsOf(document);
  return bsonDocument(elements.filter(({ name }) => !fields.has(new TextDecoder().decode(name))));
}

/** Leaves fields out of the documents of each array in a command. */
function withoutInLists(command: Uint8Array, fields: ReadonlySet<string>): Uint8Array {
  const elements = elementsOf(command);
  return bsonDocument(elements.map((element) => {
    if (element.type !== 0x04) return element;
    const items = elementsOf(element.value);
    const value = bsonDocument(
      items.map((item) => item.type === 0x03 ? { ...item, value: without(item.value, fields) } : item),
    );
    return { ...element, value };
  }));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset);
}

/**
 * Reads messages of Protocol Buffers by tables of their fields: enough for a test that looks at what was sent.
 *
 * @module
 */

/** How the value of a field is written. */
type Kind = "text" | "hex" | "varint" | "fixed32" | "fixed64" | "double" | "fixed64s" | "doubles" | Schema;

/** The fields of a message by their numbers; `many` for a field that may come several times. */
export interface Schema {
  readonly [number: number]: readonly [name: string, kind: Kind, many?: "many"];
}

/** A message that was read. */
// deno-lint-ignore no-explicit-any -- its shape is that of its table
export type Message = Record<string, any>;

/**
 * Reads a message. Fields that the table does not have are skipped.
 *
 * @throws {Error} If the bytes are no message.
 */
export function readMessage(bytes: Uint8Array, schema: Schema): Message {
  const reader = new Reader(bytes);
  const message: Message = {};
  for (const [name, , many] of Object.values(schema)) if (many) message[name] = [];
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const field = schema[tag >> 3];
    const raw = reader.raw(tag & 7);
    if (field === undefined) continue;
    const [name, kind, many] = field;
    const value = valueOf(raw, kind);
    if (many) message[name].push(value);
    else message[name] = value;
  }
  return message;
}

type Raw = bigint | Uint8Array;

function valueOf(raw: Raw, kind: Kind): unknown {
  if (kind === "varint") return Number(raw);
  const bytes = raw as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (typeof kind === "object") return readMessage(bytes, kind);
  if (kind === "text") return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (kind === "hex") return bytes.toHex();
  if (kind === "fixed32") return view.getUint32(0, true);
  if (kind === "fixed64") return view.getBigUint64(0, true);
  if (kind === "double") return view.getFloat64(0, true);
  const offsets = Array.from({ length: bytes.length / 8 }, (_, at) => at * 8);
  return kind === "doubles"
    ? offsets.map((at) => view.getFloat64(at, true))
    : offsets.map((at) => Number(view.getBigUint64(at, true)));
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  raw(wireType: number): Raw {
    if (wireType === 0) return this.varint();
    if (wireType === 1) return this.#take(8);
    if (wireType === 2) return this.#take(Number(this.varint()));
    if (wireType === 5) return this.#take(4);
    throw new Error(`no message: wire type ${wireType}`);
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new Error("no message: it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

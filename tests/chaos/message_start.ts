/** The bytes of a connection until its first message of MongoDB's protocol is whole. */
export class MessageStart {
  #bytes = new Uint8Array();

  /** All that came so far, which may be more than the message. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get isComplete(): boolean {
    if (this.#bytes.length < 4) return false;
    return this.#bytes.length >= new DataView(this.#bytes.buffer).getInt32(0, true);
  }

  add(more: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + more.length);
    joined.set(this.#bytes);
    joined.set(more, this.#bytes.length);
    this.#bytes = joined;
  }
}

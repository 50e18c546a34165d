import { joined } from "../../lib/joined.ts";

const LINE_FEED = 10;

/** Splits bytes into lines, however they come in parts. What is kept of a line is bounded. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #cuts: boolean;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** @param cuts whether what is beyond the limit is dropped, instead of being an error */
  constructor(maxBytes: number, { cuts = false }: { cuts?: boolean } = {}) {
    this.#maxBytes = maxBytes;
    this.#cuts = cuts;
  }

  /** Whether a line has begun that has not ended. */
  get hasRest(): boolean {
    return this.#bytes > 0;
  }

  /**
   * The lines that end in `chunk`, without their line feeds. A line of more than the limit ends in an error, before it
   * is kept.
   *
   * @throws {RangeError} if a line is too long.
   */
  *lines(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    // A copy: the stream may use its buffer again.
    if (start < chunk.length) this.#keep(chunk.slice(start));
  }

  /** What stands behind the last line feed. */
  rest(): Uint8Array {
    return this.#complete(new Uint8Array());
  }

  #complete(end: Uint8Array): Uint8Array {
    if (this.#bytes === 0 && end.length <= this.#maxBytes) return end;
    this.#keep(end);
    const line = joined(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #keep(part: Uint8Array): void {
    const room = this.#maxBytes - this.#bytes;
    if (part.length > room && !this.#cuts) {
      this.#parts = [];
      throw new RangeError(`a line of more than ${this.#maxBytes} bytes`);
    }
    const kept = part.length > room ? part.slice(0, room) : part;
    this.#bytes += kept.length;
    this.#parts.push(kept);
  }
}

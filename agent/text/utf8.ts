const ENCODER = new TextEncoder();

/** The length of a text in UTF-8, in bytes. */
export function byteLength(text: string): number {
  return ENCODER.encode(text).length;
}

/** As many whole letters from the start of `text` as fit into `maxBytes` of UTF-8. A half letter would be no UTF-8. */
export function cutToBytes(text: string, maxBytes: number): string {
  const { read } = ENCODER.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

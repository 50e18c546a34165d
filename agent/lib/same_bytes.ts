import { Buffer } from "node:buffer";

/** Whether two sequences of bytes are equal. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

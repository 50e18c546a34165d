// Written by hand: the names that @std/io@0.225.3/write_all.ts asks of its ./types.ts, which holds types only
// and is therefore not carried by the executables that the other files are taken from.

/** A destination that bytes are written to. */
export interface Writer {
  /** Writes up to `p.byteLength` bytes of `p`; resolves to how many were written. */
  write(p: Uint8Array): Promise<number>;
}

/** A destination that bytes are written to, synchronously. */
export interface WriterSync {
  /** Writes up to `p.byteLength` bytes of `p`; returns how many were written. */
  writeSync(p: Uint8Array): number;
}

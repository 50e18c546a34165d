/** The parts that a client is made of. */
export interface Origin {
  readonly uri: string;
  /** Tells whether the files that it names were replaced; undefined as long as they could not be read. */
  readonly files: string | undefined;
}

/** Whether a client of one would be the same as one of the other. */
export function isSameOrigin(one: Origin, other: Origin): boolean {
  return one.uri === other.uri && one.files === other.files;
}

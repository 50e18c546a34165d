import { readFileNow } from "../../lib/read_file.ts";

/** The most that is read of the file, in bytes: more than any connection string is long. */
const MAX_BYTES = 64 * 1024;

/** Where the connection string comes from, if it may change while the agent runs. */
export interface UriSource {
  /** The present connection string; undefined if it cannot be read just now, for example while a secret is replaced. */
  read(): Promise<string | undefined>;
  /** Called with a connection string before it is used for the first time: its secrets are not known yet. */
  onUri(uri: string): void;
}

/**
 * A file that holds the connection string. A mounted secret changes by a swap of symbolic links: it is read by its
 * path. A pipe, such as a shell's `<(...)`, can be read once, at the start: it never changes.
 */
export class UriFile implements UriSource {
  readonly #path: string;
  readonly onUri: (uri: string) => void;

  constructor(path: string, onUri: (uri: string) => void) {
    this.#path = path;
    this.onUri = onUri;
  }

  async read(): Promise<string | undefined> {
    try {
      return (await readFileNow(this.#path, MAX_BYTES)).trim() || undefined;
    } catch {
      return undefined;
    }
  }
}

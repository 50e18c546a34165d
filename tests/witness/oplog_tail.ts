import { BSON, type Collection, MongoClient, type Timestamp } from "mongodb";

/** How long to wait before the oplog is read on after a failure, in milliseconds. */
const RETRY_MS = 200;
/** The server answers after this long if there is nothing new, in milliseconds. */
const WAIT_MS = 500;
/** A server that has not answered for this long is left for another one, in milliseconds. */
const ANSWER_MS = 5000;
/** A set without a primary gets one within this time, or never, in milliseconds. */
const ELECTION_MS = 120_000;

/**
 * Follows the oplog from now on, across failovers: only what a majority has, in the order in which it was written. It is
 * read while it is written: so the run may write more than the server keeps.
 */
export class OplogTail {
  readonly #client: MongoClient;
  readonly #options: OplogTailOptions;
  readonly #reading: Promise<void>;
  #lastNote: string | undefined;

  private constructor(client: MongoClient, options: OplogTailOptions, from: Timestamp) {
    this.#client = client;
    this.#options = options;
    this.#reading = this.#read(from);
    // A failure is reported at the end.
    this.#reading.catch(() => {});
  }

  static async start(options: OplogTailOptions): Promise<OplogTail> {
    const client = new MongoClient(options.uri, {
      socketTimeoutMS: ANSWER_MS,
      serverSelectionTimeoutMS: ANSWER_MS,
    });
    const name = crypto.randomUUID();
    await note(client, name);
    const query = { op: "n", "o.witness": name };
    const entry = await oplogOf(client).findOne(query, { sort: { $natural: -1 }, promoteValues: false });
    return new OplogTail(client, options, options.from ?? entry!.ts);
  }

  /** Resolves when all that is written by now was read. @throws {Error} if the server had dropped entries before that */
  async end(): Promise<void> {
    const name = crypto.randomUUID();
    this.#lastNote = name;
    const isRead = new AbortController();
    const noted = note(this.#client, name, isRead.signal);
    try {
      await Promise.race([noted, this.#reading]);
      await this.#reading;
    } finally {
      isRead.abort();
      await noted.catch(() => {});
      await this.#client.close();
    }
  }

  async #read(from: Timestamp): Promise<void> {
    for (let last = from;;) {
      try {
        const cursor = this.#entriesFrom(last);
        const { value: first } = await cursor.next();
        if (!timeOf(first).equals(last)) {
          throw new GapError("The oplog is too small: the server has dropped entries before they were read");
        }
        for await (const bytes of cursor) {
          last = timeOf(bytes);
          if (this.#lastNote !== undefined && isNote(bytes, this.#lastNote)) return;
          this.#options.onEntry(bytes);
        }
      } catch (error) {
        if (error instanceof GapError) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async *#entriesFrom(ts: Timestamp): AsyncGenerator<Uint8Array> {
    const namespaces = [...this.#options.namespaces];
    const cursor = oplogOf(this.#client).find<Uint8Array>({
      ts: { $gte: ts },
      // Any command may be a part of a transaction; a note shows how far the reading is.
      $or: [{ ns: { $in: [...namespaces, "admin.$cmd"] } }, { op: "n", "o.witness": { $exists: true } }],
    }, {
      tailable: true,
      awaitData: true,
      maxAwaitTimeMS: WAIT_MS,
      raw: true,
      readConcern: { level: "majority" },
      noCursorTimeout: true,
    });
    try {
      yield* cursor;
    } finally {
      await cursor.close().catch(() => {});
    }
  }
}

/** What an {@linkcode OplogTail} needs. */
export interface OplogTailOptions {
  /** Names the members of the set themselves. */
  readonly uri: string;
  readonly namespaces: readonly string[];
  /** The entry after which to begin, which the server still has. Default: the last one there is. */
  readonly from?: Timestamp;
  /** Gets each entry that concerns them, as BSON. */
  onEntry(bytes: Uint8Array): void;
}

class GapError extends Error {}

/** An entry of a note is shorter than this. */
const MAX_NOTE_BYTES = 400;

function isNote(bytes: Uint8Array, name: string): boolean {
  return bytes.length < MAX_NOTE_BYTES && BSON.deserialize(bytes).o?.witness === name;
}

function oplogOf(client: MongoClient): Collection {
  return client.db("local").collection("oplog.rs");
}

function timeOf(bytes: Uint8Array | undefined): Timestamp {
  return BSON.deserialize(bytes!).ts;
}

/** Writes a note into the oplog, as soon as there is a primary. It is not tried again once `signal` is aborted. */
async function note(client: MongoClient, witness: string, signal?: AbortSignal): Promise<void> {
  for (const endMs = performance.now() + ELECTION_MS;;) {
    try {
      await client.db("admin").command({ appendOplogNote: 1, data: { witness } });
      return;
    } catch (error) {
      if (performance.now() > endMs || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

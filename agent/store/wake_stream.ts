import { type Db, type Document, MongoServerError, type RunCommandCursor } from "mongodb";
import { backoffMs } from "../lib/backoff.ts";
import { doneBy, sleep } from "../lib/deadline.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { isLoginMissing } from "./connection/login_missing.ts";
import { UnreachableError } from "./connection/unreachable.ts";

/** The first change is a hint at once; after a hint the next comes no earlier than this, in milliseconds. */
const DEBOUNCE_MS = 5;
/** After more claimed documents than this without a pause, the loop is busy and needs no hints. */
const BUSY_DOCUMENTS = 1000;
/** More changes than this in a second cost the server more than the hints are worth. */
const MAX_CHANGES = 2000;
const SECOND_MS = 1000;
/** Failures in a row before an operator should know: fewer are a failover. */
const WORTH_A_WORD = 5;
/** The first read only tells that the stream is open, and waits no longer than this for a change, in milliseconds. */
const OPENING_MS = 1;
/** A stream that has worked for this long, in milliseconds, ends a row of failures. */
const HOLDS_MS = 60_000;
/** A stream may take this long to close, in milliseconds. */
const CLOSE_MS = 5000;
const REOPEN = { baseMs: 500, maxMs: 10_000 };

/**
 * Codes by which a server refuses change streams: it has none (a standalone, or a compatible server), or the agent has
 * no right to them.
 */
const UNSUPPORTED = new Set([13, 59, 115, 238, 303, 304, 305, 40324, 40573]);
/** A server's code for streams that are switched off for the collection, and for other things. */
const SWITCHED_OFF = 136;
/** If they are switched off, the agent asks again after this long, in milliseconds. */
const ASK_AGAIN_MS = 60_000;

/**
 * Wakes the loop when something changes in the collection. It only gives hints: the agent still polls, and no stream is
 * resumed. After any error the stream is opened anew at "now", so that a failover or an oplog that rolled over costs a
 * hint at worst.
 */
export class WakeStream {
  readonly #options: WakeStreamOptions;
  readonly #stop = new AbortController();
  #stream: RunCommandCursor | undefined;
  /** Ends the open stream. Undefined while a stream is being opened: to end it then would leave its cursor behind. */
  #suspend: (() => void) | undefined;
  #isSuspended = false;
  #isToldUnsupported = false;
  /** How many times the connection has changed. */
  #connection = 0;
  #claimedSinceIdle = 0;
  #endSuspension: (() => void) | undefined;

  constructor(options: WakeStreamOptions) {
    this.#options = options;
  }

  /** Starts to listen. */
  start(): void {
    this.#run();
  }

  /**
   * Stops listening; resolves once the server knows. The server may answer a read that is under way only when its wait
   * is over: to close the client then ends it.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#endSuspension?.();
    await this.#stream?.close().catch(() => {});
  }

  /** Takes note that the loop has nothing to do: only then is a hint of use. */
  loopIdle(): void {
    this.#claimedSinceIdle = 0;
    this.#setSuspended(false);
    this.#endSuspension?.();
  }

  /**
   * Takes note of a claim. While claims follow each other without a pause, a hint is of no use, and the server would
   * look at every write of this agent because of it.
   */
  claimed(documents: number): void {
    this.#claimedSinceIdle += documents;
    if (this.#claimedSinceIdle <= BUSY_DOCUMENTS) return;
    this.#setSuspended(true);
    this.#suspend?.();
  }

  /** Opens the stream anew: its connection is about to be closed, because another one has replaced it. */
  reopen(): void {
    this.#connection += 1;
    this.#suspend?.();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      const startedMs = clock.monotonicMs();
      try {
        if (this.#isSuspended) await this.#untilIdle();
        if (signal.aborted) return;
        await this.#listen();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        const isOff = isSwitchedOff(error);
        if (isOff || isUnsupported(error)) this.#tellUnsupported((error as Error).message);
        if (isOff) {
          await sleep(clock, ASK_AGAIN_MS, signal);
          continue;
        }
        if (isUnsupported(error)) return;
        failures = clock.monotonicMs() - startedMs > HOLDS_MS ? 1 : failures + 1;
        // If MongoDB cannot be reached, the claims report it.
        if (failures === WORTH_A_WORD && !(error instanceof UnreachableError)) this.#options.onTrouble(error);
        await sleep(clock, 100 + backoffMs(failures, { ...REOPEN, random }), signal);
      } finally {
        // A stream that cannot be closed must not keep the next one from being opened.
        await doneBy(this.#stream?.close() ?? Promise.resolve(), { clock, limitMs: CLOSE_MS }).catch(
          () => {},
        );
      }
    }
  }

  #tellUnsupported(reason: string): void {
    if (!this.#isToldUnsupported) this.#options.onUnsupported(reason);
    this.#isToldUnsupported = true;
  }

  /** Opens the stream and turns changes into hints, until the loop is busy: then reading them only costs time. */
  async #listen(): Promise<void> {
    const { maxAwaitTimeMS, onHint, onListening } = this.#options;
    const connection = this.#connection;
    const stream = await this.#open();
    this.#stream = stream;
    await stream.setMaxTimeMS(OPENING_MS).tryNext();
    stream.setMaxTimeMS(maxAwaitTimeMS);
    const suspended = new AbortController();
    this.#suspend = () => suspended.abort();
    if (this.#isSuspended || connection !== this.#connection) suspended.abort();
    // Changes from before the stream was open are not in it.
    onHint();
    onListening?.(true);
    const over = new AbortController();
    try {
      // A read that is under way may end long after its stream was closed: it is not waited for.
      await doneBy(this.#read(stream, over.signal), { signal: suspended.signal });
    } finally {
      over.abort();
      this.#suspend = undefined;
      onListening?.(false);
    }
  }

  /**
   * The command for a change stream. The driver's own handle for it looks at each change for a token to resume by. Here
   * nothing is resumed, and changes that come together are one hint.
   */
  async #open(): Promise<RunCommandCursor> {
    const { collection, pipeline } = this.#options;
    const db = await this.#options.db();
    return db.runCursorCommand({
      aggregate: collection,
      pipeline: pipeline(),
      cursor: {},
      // Change streams need this read concern; the client's own is weaker.
      readConcern: { level: "majority" },
    });
  }

  /** Reads until `over` aborts: then the stream is closed here, and not by the server. */
  async #read(stream: RunCommandCursor, over: AbortSignal): Promise<void> {
    const { clock, onCanceled, onHint } = this.#options;
    let cancel: (() => void) | undefined;
    let hintedMs = -Infinity;
    const hint = () => {
      cancel = undefined;
      hintedMs = clock.monotonicMs();
      onHint();
    };
    try {
      for (let read = 0, sinceMs = 0; read <= MAX_CHANGES && !this.#stop.signal.aborted;) {
        const changes = await nextChanges(stream);
        if (changes === undefined) {
          if (!over.aborted && !this.#stop.signal.aborted) this.#options.onEnd?.();
          throw new Error("The server has ended the stream of changes");
        }
        if (changes.some(({ isCanceled }) => isCanceled)) onCanceled?.();
        if (changes.every(({ isCanceled }) => isCanceled)) continue;
        const now = clock.monotonicMs();
        if (now - hintedMs < DEBOUNCE_MS) cancel ??= clock.after(DEBOUNCE_MS, hint);
        else if (!cancel) hint();
        if (now - sinceMs > SECOND_MS) [read, sinceMs] = [0, now];
        read += changes.length;
      }
      this.#setSuspended(true);
    } finally {
      if (cancel) {
        cancel();
        onHint();
      }
    }
  }

  #setSuspended(isSuspended: boolean): void {
    if (isSuspended === this.#isSuspended) return;
    this.#isSuspended = isSuspended;
    this.#options.onSuspended?.(isSuspended);
  }

  #untilIdle(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#endSuspension = resolve);
  }
}

/** What a {@linkcode WakeStream} tells of. */
export interface WakeListeners {
  /** Called if there may be something to claim. */
  onHint(): void;
  /** Called if a document was canceled. */
  onCanceled?(): void;
  /** Called when the stream begins to tell of changes, and when it ends: then changes are missed. */
  onListening?(isListening: boolean): void;
  /** Called when the stream is given up as long as the loop is busy, and when it is wanted again. */
  onSuspended?(isSuspended: boolean): void;
  /** Called once with the reason if the server has no change streams. */
  onUnsupported(reason: string): void;
  /** Called if the stream cannot be opened, or breaks, again and again. */
  onTrouble(error: unknown): void;
}

/** What a {@linkcode WakeStream} needs. */
export interface WakeStreamOptions extends TimeAndChance, WakeListeners {
  /** The database, connected. It is asked for with each stream, because the connection may change. */
  db(): Promise<Db>;
  /** Which changes it tells of, on the server that the database is on: those that cancel a document have `isCanceled`. */
  pipeline(): Document[];
  /** The name of the collection that is listened to. */
  collection: string;
  /**
   * The server waits this long for a change before it answers that there is none: far below the limit of the socket.
   */
  maxAwaitTimeMS: number;
  /** Called if the server has ended the stream, as it does when the collection is dropped or renamed. */
  onEnd?(): void;
}

/**
 * The changes that the next read has brought; none if the server waited and there were none. Undefined once the server has
 * ended the stream.
 */
async function nextChanges(stream: RunCommandCursor): Promise<Document[] | undefined> {
  const first = await stream.tryNext();
  if (first) return [first, ...stream.readBufferedDocuments()];
  return stream.closed ? undefined : [];
}

/** Whether streams of this collection can be switched on, and are not. */
export function isSwitchedOff(error: unknown): boolean {
  return error instanceof MongoServerError && Number(error.code) === SWITCHED_OFF &&
    error.message.includes("modifyChangeStreams");
}

function isUnsupported(error: unknown): boolean {
  // If the connection's user was removed and made again, the server refuses it as if the right were missing: a new
  // connection is let in.
  return error instanceof MongoServerError && UNSUPPORTED.has(Number(error.code)) && !isLoginMissing(error);
}

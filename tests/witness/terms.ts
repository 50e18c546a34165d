/** What a run is judged by. */
export interface Terms {
  readonly database: string;
  readonly collection: string;
  /** The collection of the dead letters. */
  readonly letters: string;
  /** The collections that processors have written to. */
  readonly effects?: readonly {
    readonly collection: string;
    /** The field of an inserted document that has the `_id` of the document it is for. */
    readonly of: string;
    /** Whether each document that is processed has exactly one. */
    readonly every?: boolean;
  }[];
  /** `LEASE_DURATION`, in milliseconds. */
  readonly leaseMs: number;
  /** `MAX_ATTEMPTS`. */
  readonly maxAttempts: number;
  /** `PROCESS_TIMEOUT`, in milliseconds; without it an attempt fails only if its handler does. */
  readonly processTimeoutMs?: number;
  /** The database refuses writes of documents whose handler has succeeded: their attempts fail. */
  readonly refuses?: boolean;
}

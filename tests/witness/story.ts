import type { Write } from "./oplog.ts";
import type { Run } from "./run_log.ts";
import type { State } from "./steps.ts";

/** What is known of a document. */
export interface Story {
  readonly key: string;
  state: State;
  lease: Lease | undefined;
  /** The last loss of a range before the document ran: the same. */
  lost?: { readonly agent: string; readonly attempt: number; readonly atMs: number };
  /** The last release: of whose lease, of which attempt, and when, in milliseconds since 1970. */
  released?: { readonly agent: string; readonly attempt: number; readonly atMs: number };
  /** Runs of its handler that belong to no lease yet. */
  runs: Run[];
  /** The times of its verdicts, in milliseconds since 1970. */
  readonly verdicts: number[];
  /** The last writes on it. */
  entries: Write[];
}

/** A lease, from its claim until it ends. */
export interface Lease {
  readonly owner: string;
  readonly sinceMs: number;
  /** From when its expiry counts: when its holder asked for it, at the latest when the server wrote it. */
  readonly askedMs: number;
  readonly attempt: number;
  /** The document as it was claimed. */
  readonly claimed: State;
  /** When it was noted that the document runs alone, in milliseconds since 1970. */
  markedMs?: number;
  run?: Run;
}

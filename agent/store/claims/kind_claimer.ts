import { ClaimModeError } from "../../errors.ts";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import type { BusyKeys } from "./busy_keys.ts";
import type { CandidateReader, Candidates } from "./candidates.ts";
import type { Taken } from "./claim_batch.ts";
import type { ClaimSender, SentClaim } from "./claim_sender.ts";
import type { ClaimWriterOptions, Marked } from "./claim_writer.ts";
import type { ExcludedIds } from "./excluded_ids.ts";
import { filterAtFault } from "../filter.ts";
import type { PickUps } from "./pick_ups.ts";
import type { RefusalStreak } from "./refusal_streak.ts";
import type { RemainingLimit } from "./remaining_limit.ts";
import { ScanCursor } from "./scan_cursor.ts";
import { type Kind, KINDS } from "../queries.ts";
import type { Marked as MarkedOfRanges } from "../ranges/mark_writer.ts";
import type { UnreportedRefusals } from "./unreported_refusals.ts";

/** Tries per kind in one go, at most, if all documents that they find have to wait for others. */
const MAX_TRIES = 16;
/** If every claim is refused, this many documents are tried at once, to see whether that is over. */
const PROBED = 2;

/**
 * Claims documents of one kind. It reads candidates at the cursor of the kind, marks those that still match with a
 * fresh token in one write, and takes those that carry the token. That is two round trips, or three if the documents
 * have to be read back.
 */
export class KindClaimer {
  readonly #options: KindClaimerOptions;
  readonly #cursors: Record<Kind, ScanCursor>;

  constructor(options: KindClaimerOptions) {
    this.#options = options;
    const { clock, random } = options;
    const cursor = (isById: boolean) => new ScanCursor({ clock, isById, random });
    this.#cursors = {
      due_retries: cursor(false),
      expired_leases: cursor(false),
      new_documents: cursor(true),
    };
  }

  /** Claims up to `limit`. Throws what the driver throws. */
  async claim(kind: Kind, limit: RemainingLimit): Promise<Taken> {
    for (let tries = 1;; tries++) {
      const { isHeldUp, ...taken } = await this.#claimOnce(kind, limit);
      // Documents that have to wait are left out from now on, and must not keep the documents behind them waiting.
      if (!isHeldUp || taken.documents.length > 0 || tries >= MAX_TRIES) return taken;
    }
  }

  /** The next claims of each kind begin at a random place. */
  jumpFar(): void {
    for (const cursor of Object.values(this.#cursors)) cursor.jumpFar();
  }

  /**
   * Claims a few documents of any kind, first those that are not excluded. If one can be claimed, nothing is excluded
   * any more, and the claim stays open: the next `recover()` finds the documents by the token.
   *
   * @throws {ClaimsRefusedError} If they are refused as well.
   */
  async probe(): Promise<void> {
    const { candidates, excluded, ranges, streak, unreported } = this.#options;
    // A claim by ranges writes on no document, so that it tells nothing.
    let kinds = KINDS.filter((kind) => ranges === undefined || kind !== "new_documents");
    const limit: RemainingLimit = { documents: PROBED, bytes: Infinity, isEmpty: true };
    for (const start of [{}, { withExcluded: true }]) {
      for (const kind of kinds) {
        const { ids } = await candidates.ids(kind, limit, start);
        if (ids.length === 0) continue;
        const marked = await this.#probed(kind, ids);
        if (marked === undefined) {
          kinds = kinds.filter((each) => each !== kind);
          continue;
        }
        if (marked.documents > 0) {
          excluded.clear();
          // The error that ends this state has reported all of them.
          unreported.dropAllButLetters();
          return;
        }
        if (streak.error) throw streak.error;
      }
    }
    streak.end();
  }

  /** Undefined if the mode of the agents keeps this kind from being claimed: the claim itself tells that. */
  async #probed(kind: Kind, ids: readonly unknown[]): Promise<Marked | undefined> {
    try {
      return await this.#mark(kind, this.#options.sender.newClaim(ids));
    } catch (error) {
      if (error instanceof ClaimModeError) return undefined;
      throw error;
    }
  }

  async #claimOnce(kind: Kind, limit: RemainingLimit): Promise<Taken & { isHeldUp: boolean }> {
    const { busy, documentMode, onRangesEnded, pickUps, sender } = this.#options;
    const cursor = this.#cursors[kind];
    const { ids, read, asRead, hasMore: hasMoreBehind } = await this.#read(kind, limit);
    // Ahead of the head, documents may be left that the cursor has jumped over.
    const hasMore = hasMoreBehind || cursor.isAhead;
    if (ids.length === 0) return { documents: [], hasMore, conflicts: 0, isHeldUp: false };

    const claim = sender.newClaim(ids);
    const marked = await this.#mark(kind, claim);
    const { isHeldUp } = marked;
    // If some were refused, others may have been left for the next claim: no other agent was faster there.
    const { doubted, locked, refused } = marked;
    const isWhole = refused.length + doubted.length + locked.length === 0 && !isHeldUp;
    if (isWhole && marked.documents === 0 && kind === "new_documents") {
      // No other agent was faster: the claim came after the end of its mode.
      if (await documentMode?.resume(onRangesEnded)) return await this.#claimOnce(kind, limit);
    }
    const conflicts = isWhole ? ids.length - marked.documents : 0;
    cursor.recordClaim({ ids, conflicts, hasMore: hasMoreBehind });
    const result = { hasMore: hasMore || marked.documents < ids.length, conflicts, isHeldUp };
    if (marked.documents === 0) return { documents: [], ...result };
    const documents = asRead && !marked.isUnconfirmed && marked.documents === ids.length
      ? sender.accept(claim, asRead)
      : await sender.readBack(claim);
    busy.claimed(documents.map(({ raw }) => raw));
    pickUps.claimed(kind, read, documents);
    return { documents, ...result };
  }

  /** Candidates at the cursor. If none are left ahead, the cursor comes nearer to the head until there are some. */
  async #read(kind: Kind, limit: RemainingLimit): Promise<Candidates> {
    const { candidates, filter, readBack } = this.#options;
    const cursor = this.#cursors[kind];
    const isWhole = kind === "new_documents" && readBack === "contended";
    cursor.begin();
    try {
      for (;;) {
        const found = isWhole
          ? await candidates.whole(kind, limit, cursor.start)
          : await candidates.ids(kind, limit, cursor.start);
        if (found.ids.length > 0 || !cursor.isAhead) return found;
        cursor.recordEmpty();
      }
    } catch (error) {
      cursor.recordFailure();
      throw filterAtFault(error, filter);
    }
  }

  /** Marks the documents of a claim, and records what was refused, even if the claim fails later on. Throws what the driver throws. */
  async #mark(kind: Kind, claim: SentClaim): Promise<Marked> {
    const { documentMode, onRangesEnded, sender } = this.#options;
    if (kind === "new_documents") await documentMode?.begin(onRangesEnded);
    const marked = await sender.send(kind, claim);
    this.#record(marked);
    if (marked.failure) throw marked.failure.error;
    return marked;
  }

  #record({ documents, doubted, locked, passedOver, refused }: Marked): void {
    const { excluded, streak, unreported } = this.#options;
    excluded.accepted(documents);
    streak.record(documents, refused);
    for (const { id, error } of refused) excluded.add(id, error);
    for (const { id, error } of locked) excluded.locked(id, error);
    for (const { id, error } of passedOver) excluded.locked(id, error, false);
    // A document in doubt is reported once it is known to be at fault.
    unreported.add(...refused, ...doubted.filter(({ id, error }) => excluded.doubt(id, error)));
  }
}

/** What a {@linkcode KindClaimer} needs. */
export interface KindClaimerOptions
  extends Pick<ClaimWriterOptions, "documentMode" | "filter" | "ranges">, TimeAndChance {
  candidates: CandidateReader;
  sender: ClaimSender;
  busy: BusyKeys;
  excluded: ExcludedIds;
  unreported: UnreportedRefusals;
  /** Gets what was claimed. */
  pickUps: PickUps;
  streak: RefusalStreak;
  readBack: "contended" | "always";
  /** Gets what came of the documents of ranges that agents in range mode have left. */
  onRangesEnded(marked: MarkedOfRanges): void;
}

import type { Chance } from "../../lib/chance.ts";
import { ClaimModeError } from "../../errors.ts";
import type { Claim, ClaimLimit, LeasedDocument, LeftAlone, LookMoment } from "../../ports.ts";
import { BusyKeys } from "./busy_keys.ts";
import { CandidateReader } from "./candidates.ts";
import { ClaimBatch, type Taken } from "./claim_batch.ts";
import { ClaimSender, type ClaimSenderOptions } from "./claim_sender.ts";
import { HeldUpWatch } from "./held_up.ts";
import { KindClaimer } from "./kind_claimer.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { LeftAloneReader } from "./left_alone.ts";
import type { Kind } from "../queries.ts";
import { type PickUpOptions, PickUps } from "./pick_ups.ts";
import { RefusalStreak } from "./refusal_streak.ts";
import { ExcludedIds } from "./excluded_ids.ts";
import type { Marked } from "../ranges/mark_writer.ts";
import { RangeClaimer, type RangeParts } from "../ranges/range_claimer.ts";
import { SuspectClaimer } from "./suspect_claimer.ts";
import { UnreportedRefusals } from "./unreported_refusals.ts";

/**
 * While new documents keep coming, retries, expired leases and suspects are looked for at least this often, in
 * milliseconds.
 */
const LOOK_MS = 1000;
const RARE_FIRST: readonly Kind[] = ["due_retries", "expired_leases", "new_documents"];
const RARE_LAST: readonly Kind[] = ["new_documents", "due_retries", "expired_leases"];

/**
 * Claims documents in batches. Each call of {@linkcode claim} goes through the same steps:
 *
 * 1. Probe, if so many claims in a row were refused that all may be: a few documents show whether that is over.
 * 2. Recover what earlier claims took without an answer. It belongs to this agent and comes first.
 * 3. Take from each kind of documents what there is room for. The rare kinds (retries, expired leases) come first, and
 *    suspects are looked for, once a second (a look); otherwise new documents come first, so that their stream costs no
 *    query that finds nothing.
 * 4. If nothing was taken, make sure that nothing can be: look for suspects, and throw if a refusal explains it.
 *
 * A failure after documents were taken, or after letters were made, ends the batch and is not thrown: the documents must
 * be worked on, and the letters be reported.
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #busy: BusyKeys;
  readonly #excluded: ExcludedIds;
  readonly #unreported = new UnreportedRefusals();
  readonly #streak: RefusalStreak;
  readonly #sender: ClaimSender;
  readonly #kinds: KindClaimer;
  readonly #ranges: RangeClaimer | undefined;
  readonly #suspects: SuspectClaimer;
  readonly #heldUp: HeldUpWatch;
  readonly #leftAlone: LeftAloneReader;
  #lookedAtMs = -Infinity;
  /** Documents of ranges that were taken over, until a claim tells of them. */
  #takenOver = 0;
  /** Documents that a claim by ranges has met, and that are claimed one by one. */
  #scheduled = 0;
  /** Until then each claim is a look. */
  #looksUntilMs = -Infinity;
  /** Takes note of documents of ranges that have run out. */
  readonly #onTakenOver = (marked: Marked): void => {
    this.#takenOver += this.#noted(marked);
  };

  constructor(options: ClaimerOptions) {
    const busy = this.#busy = new BusyKeys(options.clock);
    const excluded = this.#excluded = new ExcludedIds(options.clock);
    const unreported = this.#unreported;
    const shared = { ...options, busy, excluded, unreported, pickUps: new PickUps(options) };
    this.#options = options;
    const sender = this.#sender = new ClaimSender(shared);
    const candidates = new CandidateReader(shared);
    const streak = this.#streak = new RefusalStreak(options.collection.namespace);
    const onRangesEnded = this.#onTakenOver;
    this.#kinds = new KindClaimer({ ...shared, candidates, onRangesEnded, sender, streak });
    const onScheduled = (marked: Marked) => void (this.#scheduled += this.#noted(marked));
    const ofRanges = { ...shared, candidates, onScheduled };
    this.#ranges = options.ranges && new RangeClaimer({ ...ofRanges, ...options.ranges.parts });
    this.#suspects = new SuspectClaimer({ ...shared, candidates, sender });
    const heldUp = this.#heldUp = new HeldUpWatch(shared);
    this.#leftAlone = new LeftAloneReader({ ...shared, candidates, heldUp });
  }

  /**
   * Claims up to `limit`.
   *
   * @throws What the driver throws.
   * @throws {ClaimsRefusedError} If MongoDB refuses one claim after the other.
   */
  async claim(limit: ClaimLimit): Promise<Claim> {
    if (!this.#options.serverClock.isKnown) await this.#options.syncClock();
    const batch = new ClaimBatch(limit);
    const startMs = this.#options.clock.monotonicMs();
    /** Undefined as long as they were not looked for. */
    let hasSuspects: boolean | undefined;
    /** Set if no new document may be claimed. */
    let refusal: ClaimModeError | undefined;
    try {
      if (this.#streak.error && !this.#hasOpen) await this.#kinds.probe();
      const recovered = await this.recover();
      batch.add({ documents: recovered, hasMore: recovered.length > 0, conflicts: 0 });
      const isLook = this.#isLook();
      // Neither look must ever keep other documents from being claimed.
      if (isLook) batch.hasMore ||= await this.#someLeftOver();
      if (isLook) hasSuspects = await this.#suspects.any().catch(() => undefined);
      if (limit.atRandom) {
        this.#kinds.jumpFar();
        this.#ranges?.jumpFar();
        // What is released for such a claim comes first after it. Put off, it would gather until nothing else waits.
        this.#looksUntilMs = this.#options.clock.monotonicMs() + LOOK_MS;
      }
      for (const kind of isLook && !limit.atRandom ? RARE_FIRST : RARE_LAST) {
        if (batch.isFull) {
          batch.hasMore = true;
          break;
        }
        try {
          batch.add(await this.#claimKind(kind, batch, startMs), kind);
        } catch (error) {
          // All others are claimed alike in each mode.
          if (!(error instanceof ClaimModeError)) throw error;
          refusal = error;
        }
      }
      if (batch.isEmpty) {
        // If a claim reports that nothing is left, that must be true.
        if (!batch.hasMore) hasSuspects ??= await this.#suspects.any();
        this.#throwIfRefused(startMs, { hasMore: batch.hasMore, hasSuspects: hasSuspects ?? false });
        if (refusal && !hasSuspects) throw refusal;
      }
    } catch (error) {
      // The next claim meets the failure again.
      if (batch.isEmpty && !this.#unreported.hasLetters) throw error;
      batch.hasMore = true;
    }
    const { documents, hasMore, conflicts, newDocuments } = batch;
    const takeovers = batch.takeovers + this.#takenOver;
    this.#takenOver = 0;
    const heldUp = await this.#heldUp.afterClaim(documents.length);
    const refused = this.#unreported.take();
    const claim = { documents, hasMore, takeovers, conflicts, hasSuspects: hasSuspects ?? false };
    return { ...claim, newDocuments, refused, heldUp };
  }

  /**
   * Claims one suspect, for an agent that holds nothing else. Undefined if there is none, if other agents were faster,
   * or if an open claim has to be recovered first, which {@linkcode claim} does.
   */
  async claimSuspect(): Promise<LeasedDocument | undefined> {
    // The documents of an open claim would be held beside the suspect.
    if (this.#hasOpen) return undefined;
    if (!this.#options.serverClock.isKnown) await this.#options.syncClock();
    return await this.#suspects.claim();
  }

  /** The documents that earlier claims took without an answer. Throws what the driver throws. */
  async recover(): Promise<MongoLeasedDocument[]> {
    const documents = await this.#sender.recover();
    if (!this.#ranges?.hasOpen) return documents;
    try {
      return [...documents, ...await this.#ranges.recover()];
    } catch (error) {
      if (documents.length === 0) throw error;
      return documents;
    }
  }

  /** Excludes a document from claims for a while: nothing more can be written on it. */
  exclude(id: unknown, error: unknown): void {
    this.#excluded.add(id, error);
  }

  /** Takes note of documents that were settled: others may have waited for them. */
  settled(documents: readonly LeasedDocument[]): void {
    this.#busy.settled(
      documents.flatMap((document) => document instanceof MongoLeasedDocument ? document.raw : []),
    );
  }

  /** The ids of documents that no claim takes now, because MongoDB refuses that. */
  get refusedIds(): readonly unknown[] {
    return this.#excluded.refused;
  }

  /**
   * The documents that wait and cannot be claimed; undefined if the last look was a moment ago. Throws what the driver
   * throws.
   */
  async leftAlone(moment: LookMoment): Promise<LeftAlone[] | undefined> {
    return await this.#leftAlone.look(moment);
  }

  get #hasOpen(): boolean {
    return this.#sender.hasOpen || this.#ranges?.hasOpen === true;
  }

  /** Takes over ranges that have run out, and returns whether some are left. Never throws. */
  async #someLeftOver(): Promise<boolean> {
    try {
      return await this.#ranges?.takeOverExpired(this.#onTakenOver) === false;
    } catch {
      return false;
    }
  }

  async #claimKind(kind: Kind, batch: ClaimBatch, startMs: number): Promise<Taken> {
    if (!this.#ranges || kind !== "new_documents") return await this.#kinds.claim(kind, batch.remaining);
    const claimed = await this.#ranges.claim(batch.remaining, startMs);
    // If a claim reports that nothing is left, no range that has run out holds documents either.
    if (batch.isEmpty && claimed.documents.length === 0) {
      const isWhole = await this.#ranges.takeOverRest(this.#onTakenOver);
      // They are due now, and retries may have been looked for already.
      batch.hasMore ||= !isWhole || this.#takenOver + this.#scheduled > 0;
    }
    this.#scheduled = 0;
    return claimed;
  }

  /** Takes note of documents that took no bookkeeping; returns how many did. */
  #noted({ documents, locked, refused }: Marked): number {
    for (const { id, error } of locked) this.#excluded.locked(id, error);
    for (const { id, error, isDeadLetter } of refused) if (!isDeadLetter) this.#excluded.add(id, error);
    this.#unreported.add(...refused);
    return documents;
  }

  /** Whether the rare kinds and suspects are due to be looked for first. */
  #isLook(): boolean {
    const now = this.#options.clock.monotonicMs();
    if (now - this.#lookedAtMs < LOOK_MS && now >= this.#looksUntilMs) return false;
    this.#lookedAtMs = now;
    return true;
  }

  /** After a claim that took nothing: throws the refusal that may be the reason. */
  #throwIfRefused(
    startMs: number,
    { hasMore, hasSuspects }: { hasMore: boolean; hasSuspects: boolean },
  ): void {
    if (this.#streak.error) throw this.#streak.error;
    // Documents that the reads left out because of a doubt may be claimable, also those that are not left out any more: it
    // is not known that nothing is left.
    const doubted = this.#excluded.doubtedSince(startMs);
    if (!hasMore) this.#excluded.nothingElse();
    if (!hasSuspects && doubted) throw doubted;
  }
}

/** What a {@linkcode Claimer} needs. */
export interface ClaimerOptions extends Omit<ClaimSenderOptions, "busy">, PickUpOptions {
  /** Makes sure that the server's time is known. */
  syncClock(): Promise<void>;
  readBack: "contended" | "always";
  random: Chance;
  /** How new documents are claimed, if that is by ranges. */
  ranges?: { readonly parts: RangeParts } | undefined;
}

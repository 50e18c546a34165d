import type { Claim, ClaimLimit, LeasedDocument, LeftAlone } from "../../ports.ts";
import { BusyKeys } from "./busy_keys.ts";
import { CandidateReader, type Candidates } from "./candidates.ts";
import { ClaimSender, type ClaimSenderOptions, newClaim, type SentClaim } from "./claim_sender.ts";
import { type ClaimWriterOptions, markClaimed, type Marked } from "./claim_writer.ts";
import { filterAtFault } from "../filter.ts";
import { HeldUpWatch } from "./held_up.ts";
import { ScanCursor, type ScanStart } from "./scan_cursor.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { LeftAloneReader } from "./left_alone.ts";
import { type Kind, KINDS } from "../queries.ts";
import { Refusals } from "./refusals.ts";
import { ExcludedIds } from "./excluded_ids.ts";
import type { RemainingLimit } from "./remaining_limit.ts";
import { SuspectClaimer } from "./suspect_claimer.ts";
import { UntoldRefusals } from "./untold_refusals.ts";

/** What a {@linkcode Claimer} needs. */
export interface ClaimerOptions extends Omit<ClaimWriterOptions, "busy">, ClaimSenderOptions {
  /** Makes sure that the server's time is known. */
  syncClock(): Promise<void>;
  readBack: "contended" | "always";
  random?: () => number;
}

/** What one kind of documents brought. */
interface Taken {
  documents: MongoLeasedDocument[];
  /** There may be more of the kind. */
  hasMore: boolean;
  conflicts: number;
}

/** Retries, expired leases and suspects are looked for at least this often while new documents keep coming, in milliseconds. */
const LOOK_MS = 1000;
/** Claims of a kind that bring nothing, as their documents have to wait for others: no more are made in one go. */
const MAX_TRIES = 16;
/** Where every claim is refused, so many documents are tried at once, to see whether that is over. */
const PROBED = 2;

/**
 * Claims documents in batches: read candidates, mark with a fresh token those that still match, and what carries the
 * token is ours. Three round trips a batch with the ack, however many documents it holds.
 */
export class Claimer {
  readonly #options: ClaimerOptions & ClaimWriterOptions;
  readonly #candidates: CandidateReader;
  readonly #sender: ClaimSender;
  readonly #suspects: SuspectClaimer;
  readonly #cursors: Record<Kind, ScanCursor>;
  readonly #refused = new ExcludedIds();
  readonly #untold = new UntoldRefusals();
  readonly #busy = new BusyKeys();
  readonly #refusals: Refusals;
  readonly #heldUp: HeldUpWatch;
  readonly #leftAlone: LeftAloneReader;
  #lookedAtMs = -Infinity;

  constructor(given: ClaimerOptions) {
    const refused = this.#refused;
    const options = { ...given, busy: this.#busy };
    this.#options = options;
    const untold = this.#untold;
    this.#candidates = new CandidateReader({ ...options, refused, untold });
    this.#sender = new ClaimSender(options);
    this.#suspects = new SuspectClaimer({
      ...options,
      refused,
      untold,
      candidates: this.#candidates,
      sender: this.#sender,
    });
    const cursor = (isById: boolean) =>
      new ScanCursor({ isById, random: options.random ?? Math.random, nowMs: () => performance.now() });
    this.#cursors = {
      due_retries: cursor(false),
      expired_leases: cursor(false),
      new_documents: cursor(true),
    };
    this.#refusals = new Refusals(options.collection.namespace);
    this.#heldUp = new HeldUpWatch(options);
    const [candidates, heldUp] = [this.#candidates, this.#heldUp];
    this.#leftAlone = new LeftAloneReader({ ...options, refused, candidates, heldUp });
  }

  /** Leaves a document alone for a while: nothing more can be written on it. */
  exclude(id: unknown, error: unknown): void {
    this.#refused.add(id, error);
  }

  /**
   * Claims up to `limit`: due retries first, then expired leases, then new documents.
   *
   * @throws What the driver throws.
   * @throws {ClaimsRefusedError} If MongoDB refuses one claim after the other.
   */
  async claim(limit: ClaimLimit): Promise<Claim> {
    if (!this.#options.clock.isKnown) await this.#options.syncClock();
    if (this.#refusals.error && !this.#sender.hasLost) await this.#probe();
    const documents: LeasedDocument[] = [];
    let [room, bytes, hasMore, takeovers, conflicts] = [limit.documents, limit.bytes, false, 0, 0];
    let hasSuspects = false;
    const take = (kind: Kind, taken: Taken) => {
      documents.push(...taken.documents);
      room -= taken.documents.length;
      for (const { sizeBytes } of taken.documents) bytes -= sizeBytes;
      if (kind === "expired_leases") takeovers += taken.documents.length;
      hasMore ||= taken.hasMore;
      conflicts += taken.conflicts;
    };

    try {
      const recovered = await this.recover();
      if (recovered.length > 0) take("new_documents", { documents: recovered, hasMore: true, conflicts: 0 });
      const { kinds, isLook } = this.#kinds();
      // Looking for suspects must never keep other documents from being claimed.
      const found = isLook ? await this.#suspects.any().catch(() => undefined) : undefined;
      hasSuspects = found ?? false;
      for (const kind of kinds) {
        if (room <= 0 || bytes <= 0) {
          hasMore = true;
          break;
        }
        take(
          kind,
          await this.#take(kind, { documents: room, bytes, isEmpty: documents.length === 0 }),
        );
      }
      // Whoever is told that there is nothing must be able to rely on it.
      if (found === undefined && documents.length === 0 && !hasMore) hasSuspects = await this.#suspects.any();
      if (documents.length === 0 && this.#refusals.error) throw this.#refusals.error;
      // What is left out may be claimable: nobody can say that nothing is left.
      if (documents.length === 0 && !hasSuspects && this.#refused.doubted) throw this.#refused.doubted;
    } catch (error) {
      // What was claimed before the failure is ours and must be worked on.
      if (documents.length === 0) throw error;
      hasMore = true;
    }
    const heldUp = await this.#heldUp.afterClaim(documents.length);
    return { documents, hasMore, takeovers, conflicts, refused: this.#untold.take(), hasSuspects, heldUp };
  }

  /**
   * Claims one suspect, for an agent that holds nothing else; undefined if there is none, if other agents were faster, or
   * if a claim without an answer has to be read back first: {@linkcode claim} does that.
   */
  async claimSuspect(): Promise<LeasedDocument | undefined> {
    // One claim is remembered until it is answered: another that is sent now would take its place.
    if (this.#sender.hasLost) return undefined;
    if (!this.#options.clock.isKnown) await this.#options.syncClock();
    return await this.#suspects.claim();
  }

  /** What a claim took whose answer was lost, if there is such a claim. */
  recover(): Promise<MongoLeasedDocument[]> {
    return this.#sender.recover();
  }

  /** Takes note of documents that were settled, for which others may have waited. */
  settled(documents: readonly LeasedDocument[]): void {
    this.#busy.settled(
      documents.flatMap((document) => document instanceof MongoLeasedDocument ? document.raw : []),
    );
  }

  /** What waits and cannot be claimed; undefined if it was looked for a moment ago. Throws what the driver throws. */
  async leftAlone(isLast: boolean): Promise<LeftAlone[] | undefined> {
    return await this.#leftAlone.look(isLast);
  }

  /**
   * The order of preference; but under a stream of new documents the rarer queries, which find nothing most of the
   * time, come first only once a second, and otherwise where new documents have left room.
   */
  #kinds(): { kinds: Kind[]; isLook: boolean } {
    const now = performance.now();
    const isLook = now - this.#lookedAtMs >= LOOK_MS;
    if (isLook) this.#lookedAtMs = now;
    const [rare, fresh] = [["due_retries", "expired_leases"] as Kind[], "new_documents" as Kind];
    return { kinds: isLook ? [...rare, fresh] : [fresh, ...rare], isLook };
  }

  /**
   * Tries a few documents, those first that were not tried yet: once one can be claimed, or none is left, claims go on as
   * ever. What it takes is found again by its token, by the claim that follows.
   *
   * @throws {ClaimsRefusedError} If they are refused as well.
   */
  async #probe(): Promise<void> {
    const room: RemainingLimit = { documents: PROBED, bytes: Infinity, isEmpty: true };
    for (const place of [{}, { isAll: true }]) {
      for (const kind of KINDS) {
        const { ids } = await this.#candidates.ids(kind, room, place);
        if (ids.length === 0) continue;
        const claim = newClaim(ids);
        const marked = await this.#mark(kind, claim);
        if (marked.documents > 0) {
          this.#refused.clear();
          // The error that ends here has told of all of them.
          this.#untold.take();
          this.#sender.keep(claim);
          return;
        }
        if (this.#refusals.error) throw this.#refusals.error;
      }
    }
    this.#refusals.over();
  }

  async #take(kind: Kind, limit: RemainingLimit): Promise<Taken> {
    for (let tries = 1;; tries++) {
      const taken = await this.#takeOnce(kind, limit);
      // What has to wait is left out from now on, and must not keep what is behind it waiting.
      if (!taken.isHeldUp || taken.documents.length > 0 || tries >= MAX_TRIES) return taken;
    }
  }

  async #takeOnce(kind: Kind, limit: RemainingLimit): Promise<Taken & { isHeldUp: boolean }> {
    const cursor = this.#cursors[kind];
    cursor.begin();
    const read = () =>
      this.#read(kind, limit, cursor.place).catch((error) => {
        cursor.failed();
        throw filterAtFault(error, this.#options.filter);
      });
    let candidates = await read();
    while (candidates.ids.length === 0 && cursor.isAhead) {
      cursor.recordEmpty();
      candidates = await read();
    }
    const { ids, asRead } = candidates;
    // Away from the head of the order nobody can say that nothing is left.
    const hasMore = candidates.hasMore || cursor.isAhead;
    if (ids.length === 0) return { documents: [], hasMore, conflicts: 0, isHeldUp: false };

    const claim = newClaim(ids);
    const marked = await this.#mark(kind, claim);
    const { isHeldUp } = marked;
    // Where some were refused, others may have been left for the next claim: nobody was faster there.
    const isWhole = marked.refused.length + marked.doubted.length === 0 && !isHeldUp;
    const conflicts = isWhole ? ids.length - marked.documents : 0;
    cursor.recordClaim({ ids, conflicts, hasMore: candidates.hasMore });
    const taken = { hasMore: hasMore || marked.documents < ids.length, conflicts, isHeldUp };
    if (marked.documents === 0) return { documents: [], ...taken };
    const documents = asRead && marked.documents === ids.length
      ? asRead.map((raw) => this.#sender.leased(raw, claim, 1))
      : await this.#sender.readBack(claim);
    this.#busy.claimed(documents.map(({ raw }) => raw));
    return { documents, ...taken };
  }

  /** Sends a claim. What was refused is taken note of, even if the claim fails later. Throws what the driver throws. */
  async #mark(kind: Kind, claim: SentClaim): Promise<Marked> {
    const { ids, token } = claim;
    const marked = await this.#sender.sendAll(claim, () => markClaimed(kind, ids, token, this.#options));
    this.#note(marked);
    if (marked.failure) throw marked.failure.error;
    return marked;
  }

  /** Takes note of what a claim brought; refusals that are the documents' own are to be told of. */
  #note({ documents, doubted, refused }: Marked): void {
    const all = this.#refused;
    all.accepted(documents);
    this.#refusals.note(documents, refused);
    for (const { id, error } of refused) all.add(id, error);
    this.#untold.add(...refused, ...doubted.filter(({ id, error }) => all.doubt(id, error)));
  }

  #read(kind: Kind, limit: RemainingLimit, place: ScanStart): Promise<Candidates> {
    const isAsRead = kind === "new_documents" && this.#options.readBack === "contended";
    return this.#candidates[isAsRead ? "whole" : "ids"](kind, limit, place);
  }
}

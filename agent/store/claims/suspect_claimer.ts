import type { LeasedDocument } from "../../ports.ts";
import { brokenCounters } from "../documents/bookkeeping.ts";
import type { CandidateReader, SuspectCandidate } from "./candidates.ts";
import type { ClaimSender, SentClaim } from "./claim_sender.ts";
import type { ClaimWriterOptions } from "./claim_writer.ts";
import { isDoubtful, isDuplicateKey, isRefused, isUnsupported } from "../mongo_errors.ts";
import { isGivenUp, LockedDocumentsError } from "../limited_writes.ts";
import type { ExcludedIds } from "./excluded_ids.ts";
import type { UnreportedRefusals } from "./unreported_refusals.ts";

/** Readings in one go, at most, if none of the suspects that they bring can be claimed. */
const MAX_ROUNDS = 20;

/** Claims suspects, one at a time. One that cannot be claimed must not hide the others. */
export class SuspectClaimer {
  readonly #options: SuspectClaimerOptions;

  constructor(options: SuspectClaimerOptions) {
    this.#options = options;
  }

  /** Whether there is a suspect. Throws what the driver throws. */
  async any(): Promise<boolean> {
    return (await this.#read()).length > 0;
  }

  /** Claims the first suspect that can be claimed; undefined if there is none, or if other agents were faster. */
  async claim(): Promise<LeasedDocument | undefined> {
    const { sender, excluded } = this.#options;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const suspects = await this.#read();
      let refused = 0;
      for (const suspect of suspects) {
        const claim = sender.newClaim([suspect.raw.id], true);
        const marked = await this.#mark(suspect, claim);
        if (marked === undefined) refused += 1;
        else if (marked > 0) {
          excluded.accepted(marked);
          return (await sender.readBack(claim))[0];
        }
      }
      if (refused < suspects.length || refused === 0) return undefined;
    }
    return undefined;
  }

  async #read(): Promise<SuspectCandidate[]> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const suspects = await this.#options.candidates.suspects();
      const sound = suspects.filter(({ raw }) => {
        const [broken] = brokenCounters(raw.bytes);
        if (broken === undefined) return true;
        this.#exclude(raw.id, `Its field _pull.${broken} is not a number: remove it, or make it a number`);
        return false;
      });
      if (sound.length > 0 || suspects.length === 0) return sound;
    }
    return [];
  }

  /** Returns 1 or 0, or undefined if MongoDB refuses it, which is recorded. Throws all other errors of the driver. */
  async #mark(suspect: SuspectCandidate, claim: SentClaim): Promise<number | undefined> {
    try {
      return await this.#options.sender.sendSuspect(suspect, claim);
    } catch (error) {
      const { busy, excluded, unreported } = this.#options;
      const { id } = suspect.raw;
      if (isGivenUp(error)) {
        excluded.locked(id, new LockedDocumentsError(1, error));
        return undefined;
      }
      if (!isRefused(error) || isUnsupported(error)) throw error;
      if (isDuplicateKey(error)) busy.addId(id, error);
      else if (!isDoubtful(error)) this.#exclude(id, error);
      else if (excluded.doubt(id, error)) unreported.add({ id, error });
      return undefined;
    }
  }

  #exclude(id: unknown, error: unknown): void {
    this.#options.excluded.add(id, error);
    this.#options.unreported.add({ id, error });
  }
}

/** What a {@linkcode SuspectClaimer} needs. */
export interface SuspectClaimerOptions extends Pick<ClaimWriterOptions, "busy"> {
  candidates: CandidateReader;
  sender: ClaimSender;
  excluded: ExcludedIds;
  unreported: UnreportedRefusals;
}

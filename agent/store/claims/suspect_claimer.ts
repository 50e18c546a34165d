import type { LeasedDocument } from "../../ports.ts";
import { brokenCounters } from "../documents/bookkeeping.ts";
import type { CandidateReader, SuspectCandidate } from "./candidates.ts";
import { type ClaimSender, newClaim, type SentClaim } from "./claim_sender.ts";
import { type ClaimWriterOptions, markSuspect } from "./claim_writer.ts";
import { isDoubtful, isDuplicateKey, isRefused } from "../mongo_errors.ts";
import type { ExcludedIds } from "./excluded_ids.ts";
import type { UntoldRefusals } from "./untold_refusals.ts";

/** What a {@linkcode SuspectClaimer} needs. */
export interface SuspectClaimerOptions extends ClaimWriterOptions {
  candidates: CandidateReader;
  sender: ClaimSender;
  refused: ExcludedIds;
  untold: UntoldRefusals;
}

/** Readings of suspects that bring nothing but what cannot be claimed: no more are made in one go. */
const MAX_ROUNDS = 20;

/** Claims suspects, one at a time, whatever stands on the others. */
export class SuspectClaimer {
  readonly #options: SuspectClaimerOptions;

  constructor(options: SuspectClaimerOptions) {
    this.#options = options;
  }

  /** Whether there is a suspect. Throws what the driver throws. */
  async any(): Promise<boolean> {
    return (await this.#read()).length > 0;
  }

  /** Claims the first that lets itself be claimed; undefined if there is none, or other agents were faster. */
  async claim(): Promise<LeasedDocument | undefined> {
    const { sender } = this.#options;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const suspects = await this.#read();
      let refused = 0;
      for (const suspect of suspects) {
        const claim = newClaim([suspect.raw.id], true);
        const marked = await this.#mark(suspect, claim);
        if (marked === undefined) refused += 1;
        else if (marked > 0) {
          this.#options.refused.accepted(marked);
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
        this.#passOver(raw.id, `Its field _pull.${broken} is not a number: remove it, or make it a number`);
        return false;
      });
      if (sound.length > 0 || suspects.length === 0) return sound;
    }
    return [];
  }

  /** Returns 1 or 0, or undefined if it is refused: then it is passed over, as it must not hide the others. */
  async #mark(suspect: SuspectCandidate, claim: SentClaim): Promise<number | undefined> {
    try {
      const { sender } = this.#options;
      return await sender.send(claim, () => markSuspect(suspect, claim.token, this.#options));
    } catch (error) {
      if (!isRefused(error)) throw error;
      const { busy, refused, untold } = this.#options;
      const { id } = suspect.raw;
      if (isDuplicateKey(error)) busy.addId(id, error);
      else if (!isDoubtful(error)) this.#passOver(id, error);
      else if (refused.doubt(id, error)) untold.add({ id, error });
      return undefined;
    }
  }

  #passOver(id: unknown, error: unknown): void {
    this.#options.refused.add(id, error);
    this.#options.untold.add({ id, error });
  }
}

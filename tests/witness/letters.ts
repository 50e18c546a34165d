import type { Document } from "bson";
import type { Breaches } from "./breaches.ts";
import { updated, type Write } from "./oplog.ts";
import type { Story } from "./story.ts";
import type { Terms } from "./terms.ts";

const RULE = "letters and verdicts";

/** The dead letters: each has the verdict of its document, and each failed document has its letter. */
export class Letters {
  readonly #terms: Terms;
  readonly #breaches: Breaches;
  readonly #letters = new Map<string, Document>();

  constructor(terms: Terms, breaches: Breaches) {
    this.#terms = terms;
    this.#breaches = breaches;
  }

  /** A write on the letter of a document. */
  write(key: string, write: Write, story: Story | undefined): void {
    const before = this.#letters.get(key);
    const subject = { key, entries: [...story?.entries ?? [], write] };
    if (write.kind === "delete") {
      this.#letters.delete(key);
      if (before && story && stands(before, story)) {
        this.#breaches.add(RULE, subject, "its letter is removed while it is failed");
      }
      return;
    }
    const { dead_at, by_reference, source } = write.kind === "insert"
      ? write.o
      : updated(before ?? {}, write.o);
    if (source?.collection !== undefined && source.collection !== this.#terms.collection) return;
    this.#letters.set(key, { dead_at, by_reference });
    this.#breaches.count("letters written");
    if (before?.dead_at > dead_at) this.#breaches.add(RULE, subject, "an older letter replaces a newer one");
    const isJudged = story?.verdicts.includes(dead_at?.getTime()) ?? false;
    if (isJudged || (by_reference && dead_at <= new Date(write.wall))) return;
    this.#breaches.add(RULE, subject, "its letter has a verdict that the document never had");
  }

  /** A document is failed: its letter has to be there. */
  mustStand(story: Story): void {
    const letter = this.#letters.get(story.key);
    if (letter && stands(letter, story)) return;
    this.#breaches.add(
      RULE,
      story,
      letter ? "it is failed, and its letter has another verdict" : "it is failed without a letter",
    );
  }

  /** Looks for letters that no failed document has, at the end; they may be left only by what was disturbed. */
  stale(stories: ReadonlyMap<string, Story>, isExcused: boolean): void {
    for (const [key, letter] of this.#letters) {
      const story = stories.get(key);
      if (story && stands(letter, story)) continue;
      this.#breaches.count("stale letters");
      if (isExcused) continue;
      this.#breaches.add(
        RULE,
        story ?? { key, entries: [] },
        "a letter is left, and its document is not failed by it",
      );
    }
  }
}

function stands({ by_reference, dead_at }: Document, { state: { status, _pull } }: Story): boolean {
  if (status !== "failed") return false;
  const verdict = _pull?.dead_at;
  return verdict === undefined ? by_reference === true : dead_at?.getTime() === verdict.getTime();
}

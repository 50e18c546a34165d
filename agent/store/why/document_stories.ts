import type { Collection, Document, Filter } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { otherIds, possibleIds } from "../documents/parse_id.ts";
import type { LettersForCommands } from "../dead_letters/letters_for_commands.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { EXPIRIES_ALONE, isSuspectKind, type Kind, type SuspectKind } from "../queries.ts";
import { fleetCollection } from "../../settings/fleet_settings.ts";
import { type HolderOfRange, holdersOf } from "../ranges/range_of.ts";
import { type ClaimAnswers, ClaimQuestions } from "./claim_answers.ts";
import { DocumentFinder, type FoundDocument } from "./found_document.ts";
import { type FoundLetters, LetterSearch } from "./letter_search.ts";
import { queryObstacles } from "./obstacles.ts";
import { storedFacts } from "./stored_facts.ts";
import { type AfterClaim, MAX_BEFORE, type MissingStory, type Obstacle, type Story } from "./story.ts";
import type { StoreServer } from "../server/store_server.ts";
import { WriteProblems } from "./write_problem.ts";

/** Reads of a document that agents change meanwhile, at most. */
const MAX_READS = 5;

/** Tells why documents are not done, in data. It writes nothing, and needs no right to write. */
export class DocumentStories {
  readonly #options: DocumentStoriesOptions;
  readonly #finder: DocumentFinder;
  readonly #questions: ClaimQuestions;
  readonly #writes: WriteProblems;
  readonly #letters: LetterSearch;

  constructor(options: DocumentStoriesOptions) {
    this.#options = options;
    this.#finder = new DocumentFinder(options);
    this.#questions = new ClaimQuestions(options);
    this.#writes = new WriteProblems(options);
    this.#letters = new LetterSearch(options);
  }

  /**
   * The stories of the documents that a typed id may mean, one for each type of it.
   *
   * @throws {FilterError} If the server cannot use `FILTER`; otherwise what the driver throws.
   */
  async of(text: string): Promise<Story[] | MissingStory> {
    const found = await this.#finder.withId(text);
    if (found.length === 0) return await this.#missing(text);
    return await Promise.all(found.map((each) => this.ofDocument(each)));
  }

  /**
   * The story of a document that was found. Nothing keeps it as it is while it is asked about: the answers count if it
   * is the same before and after. Throws as {@linkcode DocumentStories.of} does.
   */
  async ofDocument(first: FoundDocument): Promise<Story> {
    let found = first;
    for (let reads = 1;; reads++) {
      const answers = await this.#questions.ask(found);
      const now = await this.#finder.again(found);
      const isSame = now === found;
      if (isSame || now === undefined || reads >= MAX_READS) return await this.#tell(found, answers, !isSame);
      found = now;
    }
  }

  /** The document of a story as it is stored now; undefined if it is gone. Throws what the driver throws. */
  async stored({ selector }: Story): Promise<Uint8Array | undefined> {
    const { collection, maxTimeMS } = this.#options;
    const [bytes] = await collection.find<Uint8Array>(selector, { raw: true, limit: 1, maxTimeMS }).toArray();
    return bytes;
  }

  async #tell(found: FoundDocument, answers: ClaimAnswers, isChanging: boolean): Promise<Story> {
    const { collection, letters: { collectionName: lettersCollection }, serverClock } = this.#options;
    const { raw, selector, isNear, isNameable } = found;
    const stored = storedFacts(raw.bytes);
    const obstacles = queryObstacles(found, stored, answers);
    const range = await this.#rangeOf(found, answers);
    if (range) obstacles.push({ what: "in_range", until: range.until });
    const facts = range ? { ...stored, owner: range.owner } : stored;
    // No letter can have been written of a document that no write can name.
    const letters = isNameable ? await this.#letters.under(raw.id) : NO_LETTERS;
    if (obstacles.length === 0 && answers.kind !== undefined) {
      const problem = await this.#writes.of(found, answers.kind);
      if (problem !== undefined) obstacles.push(problem);
    }
    const failed = obstacles.findIndex(({ what }) => what === "failed");
    if (failed >= 0 && isNameable && !letters.own?.stands) {
      const inOthers = await this.#letters.inOthers([raw.id]);
      const letterIn = inOthers.find(({ isLetter }) => isLetter)?.collection;
      obstacles[failed] = { what: "failed", letterIn };
    }
    return {
      database: collection.dbName,
      collection: collection.collectionName,
      lettersCollection,
      id: raw.id,
      isNear,
      isNameable,
      selector,
      bytes: raw.bytes.length,
      facts,
      bookkeeping: raw.bookkeeping,
      unreadable: raw.unreadable,
      now: serverClock.now(),
      kind: obstacles.length === 0 ? answers.kind : undefined,
      obstacles,
      afterClaim: afterClaim(found, answers.kind),
      before: await this.#before(found, answers.kind, obstacles),
      letters,
      isChanging,
    };
  }

  /** A document in a range carries nothing that tells so. */
  async #rangeOf(
    { isNameable, raw }: FoundDocument,
    { kind }: ClaimAnswers,
  ): Promise<HolderOfRange | undefined> {
    if (kind !== "new_documents" || raw.bookkeeping !== undefined || !isNameable) return undefined;
    const { collection, other } = this.#options;
    const agents = other(fleetCollection(collection.collectionName));
    return (await holdersOf([raw.id], { ...this.#options, agents }))[0];
  }

  async #before(
    found: FoundDocument,
    kind: Kind | SuspectKind | undefined,
    obstacles: readonly Obstacle[],
  ): Promise<number | undefined> {
    if (obstacles.length > 0 || kind === undefined || isSuspectKind(kind)) return undefined;
    return await this.#questions.countBefore(found, kind, MAX_BEFORE);
  }

  async #missing(text: string): Promise<MissingStory> {
    const { collection, letters: { collectionName: lettersCollection } } = this.#options;
    const ids = [...possibleIds(text), ...otherIds(text)];
    let letter: MissingStory["letter"];
    for (const id of ids) {
      const letters = await this.#letters.under(id);
      if (letters.own === undefined && letters.ofOther === undefined) continue;
      letter = { id, letters };
      break;
    }
    const inOthers = await this.#letters.inOthers(ids);
    return {
      database: collection.dbName,
      collection: collection.collectionName,
      lettersCollection,
      text,
      letter,
      inOthers,
    };
  }
}

const NO_LETTERS: FoundLetters = { own: undefined, ofOther: undefined, isForbidden: false };

/** As {@linkcode outcomeWithoutRun} decides it. */
function afterClaim({ raw }: FoundDocument, kind: Kind | SuspectKind | undefined): AfterClaim {
  const { alone = 0, dead_at: deadAt } = raw.bookkeeping ?? {};
  if (deadAt !== undefined) return "finish_verdict";
  if (alone >= EXPIRIES_ALONE || raw.unreadable !== undefined) return "dead_letter";
  return kind !== undefined && isSuspectKind(kind) ? "run_alone" : "run";
}

/** What {@linkcode DocumentStories} need. */
export interface DocumentStoriesOptions {
  clock: Clock;
  collection: Collection;
  letters: Collection;
  lettersForCommands: Pick<LettersForCommands, "list">;
  serverClock: ServerClock;
  server: StoreServer;
  filter: Filter<Document> | undefined;
  /** The name that a claim writes. */
  owner: string;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The options of the collection; undefined if the agent has no right to see them. */
  describe(): Promise<Document | undefined>;
  /** The names of the collections of the database that the agent may read; undefined if it cannot be told. */
  collectionNames(): Promise<string[] | undefined>;
  /** Another collection of the database. */
  other(name: string): Collection;
}

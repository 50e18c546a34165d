import { closest, distance } from "fastest-levenshtein";
import type { Db, Document } from "mongodb";
import { SourceError } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { Link } from "./connection/link.ts";
import { isForbidden } from "./mongo_errors.ts";
import type { StoreSettings } from "./store_settings.ts";

/** A server that is only compatible may answer with this code that it does not know the command. */
const UNKNOWN_COMMAND = 59;
/** Slips between two names, at most, if one may be meant by the other. */
const MAX_SLIPS = 3;
/** If nothing is found, the agent looks for it at most this often, in milliseconds. */
const LOOK_AGAIN_MS = 5000;
/** Names that the message lists if none is near. */
const MAX_NAMES = 10;

/** Where the agent pulls from. */
export interface SourceNames {
  database: string;
  /** The collection to pull from, and the one for dead letters. */
  source: string;
  letters: string;
}

/** The names that the settings give. */
export function sourceNames(settings: StoreSettings): SourceNames {
  const { deadLetterCollection, mongodbCollection, mongodbDatabase } = settings;
  return { database: mongodbDatabase, source: mongodbCollection, letters: deadLetterCollection };
}

/**
 * Checks what exists under the names of the source collection and of the dead letters. The agent does not create the
 * source collection: otherwise a misspelt name would not be noticed.
 */
export class Source {
  readonly #link: Pick<Link, "db" | "run">;
  readonly #names: SourceNames;
  readonly #clock: Clock;
  readonly #listeners: (() => void)[] = [];
  #isUsable = false;
  #isDoubted = false;
  #lookedAtMs = -Infinity;
  #looking: Promise<void> | undefined;
  #warning: string | undefined;

  constructor(link: Pick<Link, "db" | "run">, names: SourceNames, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    this.#names = names;
  }

  /** Calls `listener` when it becomes usable, or when it may have changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether the last look found a collection, and nothing has cast doubt on it since. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** What the last look found odd, but not an obstacle, in a sentence. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /**
   * A claim found nothing. The collection may not exist any more, because reads and writes of a missing collection do
   * not fail. The next claim looks again, if the last look is a while ago.
   */
  doubt(): void {
    this.#isDoubted = true;
  }

  /**
   * Looks, unless the last look found it usable: that costs no round trip.
   *
   * @throws {SourceError} if it does not exist, or is not a collection
   * @throws {MongoError} if the database is out of reach
   */
  async ensureUsable(): Promise<void> {
    const isOld = this.#isDoubted && this.#clock.monotonicMs() - this.#lookedAtMs >= LOOK_AGAIN_MS;
    if (!this.#isUsable || isOld) {
      await (this.#looking ??= this.look().finally(() => this.#looking = undefined));
    }
  }

  /** It may have changed: the next claim looks again. */
  forget(): void {
    this.#set(false);
  }

  /** Looks, and throws as {@linkcode Source.ensureUsable} does. */
  async look(): Promise<void> {
    const { database } = this.#names;
    try {
      await this.#link.run(() => this.#look(this.#link.db(database)));
    } catch (error) {
      if (error instanceof SourceError) this.#set(false);
      throw error;
    }
  }

  #set(isUsable: boolean): void {
    if (isUsable === this.#isUsable) return;
    this.#isUsable = isUsable;
    for (const listener of this.#listeners) listener();
  }

  async #look(db: Db): Promise<void> {
    const names = this.#names;
    const found = await describe(db, [names.source, names.letters]);
    const source = found?.get(names.source);
    const letters = found?.get(names.letters);
    if (found && !source) throw await missing(db, names.source);
    refuse("MONGODB_COLLECTION", source);
    refuse("DEAD_LETTER_COLLECTION", letters);
    const capped = [source, letters].filter((each) => each?.options?.capped).map((each) => each?.name);
    this.#warning = capped.length > 0
      ? `The collection ${
        capped.join(" and ")
      } is capped: the server removes its oldest documents to make room, processed or not`
      : undefined;
    this.#lookedAtMs = this.#clock.monotonicMs();
    this.#isDoubted = false;
    this.#set(true);
  }
}

/**
 * How the server describes collections, by name; undefined if the agent has no right to ask, or the server cannot tell.
 */
export async function describe(db: Db, names: readonly string[]): Promise<Map<string, Document> | undefined> {
  const filter = { name: { $in: names } };
  try {
    return byName(await db.listCollections(filter).toArray());
  } catch (error) {
    if (isUnknown(error)) return undefined;
    if (!isForbidden(error)) throw error;
  }
  try {
    // The server lists collections that the agent may read even without that right, but without their options.
    return byName(await db.listCollections(filter, OURS).toArray());
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** The error of a collection that does not exist. */
async function missing(db: Db, name: string): Promise<SourceError> {
  const said = `There is no collection ${name} in the database ${db.databaseName}`;
  const mend = "The agent makes none";
  const error = (message: string, near?: SourceError["near"]) =>
    new SourceError(message, { isLasting: false, ...(near && { near }) });
  const names = await collectionNames(db);
  if (names === undefined) {
    return error(`${said}: look at MONGODB_COLLECTION and MONGODB_DATABASE. ${mend}`);
  }
  if (names.length === 0) {
    const value = await nearDatabase(db);
    if (value === undefined) return error(`${said}, which has no collections. ${mend}`);
    return error(`${said}, which has no collections: did you mean the database ${value}? ${mend}`, {
      variable: "MONGODB_DATABASE",
      value,
    });
  }
  const near = nearest(name, names);
  if (near !== undefined) {
    return error(`${said}: did you mean ${near}? ${mend}`, { variable: "MONGODB_COLLECTION", value: near });
  }
  const more = names.length > MAX_NAMES ? " and more" : "";
  return error(`${said}, which has ${names.slice(0, MAX_NAMES).join(", ")}${more}. ${mend}`);
}

/** The names of the collections that the agent may read, in their order; undefined if it cannot be told. */
export async function collectionNames(db: Db): Promise<string[] | undefined> {
  try {
    const found = await db.listCollections({}, OURS).toArray();
    return found.map(({ name }) => name).filter((name) => !name.startsWith("system.")).sort();
  } catch {
    // This is only a help: without the right to it there is none.
    return undefined;
  }
}

async function nearDatabase(db: Db): Promise<string | undefined> {
  try {
    const { databases } = await db.admin().listDatabases({ nameOnly: true, authorizedDatabases: true });
    return nearest(db.databaseName, databases.map(({ name }) => name));
  } catch {
    return undefined;
  }
}

/** Lists the collections that the agent has rights on, which needs no right of its own. */
const OURS = { nameOnly: true, authorizedCollections: true } as const;

/** What exists under the name of a collection if it is something else. */
const KINDS: Record<string, string | undefined> = {
  view: "a view, and nothing can be written to a view",
  timeseries: "a time-series collection, whose documents cannot be updated one by one",
};

function byName(found: readonly Document[]): Map<string, Document> {
  return new Map(found.map((each) => [each.name, each]));
}

/** Throws if the name in a setting is not a collection of documents. */
function refuse(variable: string, found: Document | undefined): void {
  const what = KINDS[found?.type];
  if (!found || !what) return;
  throw new SourceError(`${variable} is ${found.name}, which is ${what}: name a collection`, {
    isLasting: true,
  });
}

function isUnknown(error: unknown): boolean {
  return Number((error as { code?: unknown } | null)?.code) === UNKNOWN_COMMAND;
}

function nearest(name: string, others: readonly string[]): string | undefined {
  const candidates = others.filter((other) => other !== name);
  const same = candidates.find((other) => other.toLowerCase() === name.toLowerCase());
  if (same !== undefined || candidates.length === 0) return same;
  const near = closest(name, candidates);
  return distance(name, near) <= Math.min(MAX_SLIPS, Math.ceil(name.length / 3)) ? near : undefined;
}

import type { Document } from "mongodb";
import { SourceError } from "../../errors.ts";
import type { ServerNote } from "../../events.ts";
import type { Link } from "../connection/link.ts";
import { type ServerClock, syncClock } from "../connection/server_clock.ts";
import { isMongoError } from "../mongo_errors.ts";
import type { SourceNames } from "../source.ts";
import { ABILITIES, type Abilities, type AbilitySpec } from "./abilities.ts";
import { probe, PROBED } from "./probe.ts";
import { isMongoDb, isNumber, kindText, type ServerKind, serverKind } from "./server_kind.ts";
import { NOW, type ServerTime } from "./server_time.ts";
import type { StoreServer } from "./store_server.ts";

/**
 * The server as the operations of the store need to know it: what it lacks is found out once, before the first claim, and
 * again if another kind of server answers. On a server that lacks nothing, all operations are the same as without it.
 */
export class KnownServer implements StoreServer {
  readonly abilities: Abilities;
  readonly #options: KnownServerOptions;
  readonly #listeners: (() => void)[] = [];
  #kind: ServerKind | undefined;
  /** How the server described itself when it was probed; undefined as long as it was not. */
  #probed: string | undefined;
  #probing: Promise<void> | undefined;

  constructor(options: KnownServerOptions) {
    this.#options = options;
    this.abilities = options.link.abilities;
  }

  /** Calls `listener` each time that a server was asked what it lacks. */
  onLearned(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether the server that answers now was probed. */
  get #isKnown(): boolean {
    return this.#probed !== undefined && this.#probed === this.#options.link.told.description;
  }

  /** Whether the server that answers now was probed, and the agent can work with it. */
  get isUsable(): boolean {
    return this.#isKnown && !this.abilities.lacks("expressions");
  }

  /** Which server it is; undefined as long as it was not asked. */
  get kind(): ServerKind | undefined {
    return this.#kind;
  }

  /** What is known of it, for people; undefined as long as nothing is. */
  get note(): ServerNote | undefined {
    if (this.#kind === undefined) return undefined;
    const specs: AbilitySpec[] = this.abilities.lacking.map(([name]) => ABILITIES[name]);
    return {
      name: kindText(this.#kind),
      lacks: specs.map(({ what }) => what),
      instead: [...new Set(specs.flatMap(({ instead }) => instead ?? []))],
    };
  }

  get time(): ServerTime {
    return this.#hasNow ? NOW : this.#options.serverClock.now();
  }

  async latestTime(withinMs: number): Promise<ServerTime> {
    if (this.#hasNow) return NOW;
    const { link, serverClock } = this.#options;
    await syncClock(link, serverClock);
    return serverClock.latest(withinMs);
  }

  /**
   * Finds out what the server lacks, unless that is known.
   *
   * @throws {SourceError} If the agent cannot work with it, again with each call. Otherwise what the driver throws.
   */
  async learn(): Promise<void> {
    await this.ask();
    if (!this.abilities.lacks("expressions")) return;
    throw new SourceError(unusable(this.#kind), { isLasting: true });
  }

  /** Finds out what the server lacks, unless that is known. Throws what the driver throws. */
  async ask(): Promise<void> {
    if (!this.#isKnown) await (this.#probing ??= this.#probe().finally(() => this.#probing = undefined));
  }

  /** The server has refused what the probe has found it to know: the next call of {@linkcode learn} asks again. */
  doubt(): void {
    this.#probed = undefined;
  }

  get #hasNow(): boolean {
    return this.abilities.areWhole ||
      !(this.abilities.lacks("nowInReads") || this.abilities.lacks("nowInWrites"));
  }

  async #probe(): Promise<void> {
    const { link, serverClock, names: { database, source } } = this.#options;
    await link.connect();
    const found = await link.run(() => probe(link.db(database).collection(source)));
    const buildInfo = await this.#buildInfo();
    const { description, hello } = link.told;
    this.#kind = serverKind({ hello, buildInfo });
    // MongoDB has expressions: such an answer is its trouble, and must not end the agent for good.
    if (found === undefined || (found.has("expressions") && isMongoDb(hello))) return;
    this.abilities.probed(PROBED, found);
    // The kind tells: to ask a server of these two would be to begin a transaction whose writes stay.
    if (this.#kind.product === "FerretDB") this.abilities.note("transactions", "FerretDB has none");
    if (isNumber(hello?.localTime)) this.abilities.note("timeAsDate", "localTime of hello is a number");
    if (found.has("retryableWrites")) await link.withoutRetryableWrites();
    if (!this.abilities.areWhole && !serverClock.isKnown) await syncClock(link, serverClock);
    this.#probed = description;
    for (const listener of this.#listeners) listener();
  }

  /** Undefined if the server has no such command. */
  async #buildInfo(): Promise<Document | undefined> {
    const { link } = this.#options;
    try {
      return await link.run(() => link.db("admin").command({ buildInfo: 1 }));
    } catch (error) {
      if (!isMongoError(error)) throw error;
      return undefined;
    }
  }
}

/** What a {@linkcode KnownServer} needs. */
export interface KnownServerOptions {
  readonly link: Link;
  readonly serverClock: ServerClock;
  /** Names a collection that exists. */
  readonly names: Pick<SourceNames, "database" | "source">;
}

function unusable(kind: ServerKind | undefined): string {
  const name = kind === undefined ? "The server" : `The server, ${kindText(kind)},`;
  return `${name} has no $expr, which claims need: use MongoDB 4.4 or later, Amazon DocumentDB 5.0 or later with ` +
    "instances (an elastic cluster has none), Azure DocumentDB, or FerretDB 2";
}

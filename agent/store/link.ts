import type { Collection, Db } from "mongodb";
import { sleep, systemClock } from "../clock.ts";
import { errorText } from "../errors.ts";
import { within, withOperations } from "./answer_limit.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { diagnose } from "./diagnosis.ts";
import { EagerClient } from "./eager_client.ts";
import { sameServers, uriProblem } from "./uri.ts";
import type { UriSource } from "./uri_source.ts";
import { UnreachableError } from "./unreachable.ts";

/** The file of the connection string is read this often, in milliseconds: a mounted secret takes a minute to change. */
const LOOK_MS = 5000;
/** Between attempts of a connection that the server does not let in, in milliseconds: it may log each, or lock the user. */
const REFUSED_MS = [1000, 2000, 5000, 10_000] as const;

/** What is told of the link. */
export interface LinkListeners {
  /** The database can be used from now on, or cannot: it takes writes, and lets the agent in. */
  onReachable(isReachable: boolean, error?: unknown): void;
  /** The agent has connected anew with the changed connection string. */
  onRenewed(): void;
  /** The changed connection string cannot be used, and the earlier one stays. Told once for each reason. */
  onStale(reason: string): void;
}

const NO_LISTENERS: LinkListeners = { onReachable() {}, onRenewed() {}, onStale() {} };

/**
 * The way to the database. All operations go through it, so that one place knows whether the database can be used, and
 * says why not; and so that credentials may change under a running agent: a new client takes the place of the old one
 * once it has been let in, and what the old one has under way comes to its end.
 */
export class Link {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  /** An operation that has not answered by then is given up, in milliseconds. */
  readonly answerLimitMs: number;
  readonly #options: ConnectionOptions;
  readonly #stop = new AbortController();
  readonly #retired = new Map<EagerClient, ReturnType<typeof setTimeout>>();
  #listeners = NO_LISTENERS;
  #source: UriSource | undefined;
  #uri: string;
  #current: EagerClient;
  /** Why the server does not let the agent in; undefined if it does. */
  #refusal: UnreachableError | undefined;
  #isReachable = false;
  #renewing: Promise<void> | undefined;
  #toldStale = "";

  /** @throws {MongoParseError} If the URI is not valid. */
  constructor(uri: string, options: ConnectionOptions) {
    this.#options = options;
    this.#uri = uri;
    const { client, warnings, answerLimitMs } = connect(uri, options);
    this.warnings = warnings;
    this.answerLimitMs = answerLimitMs;
    this.#current = this.#eager(client);
  }

  /** Tells `listeners` from now on. */
  listen(listeners: LinkListeners): void {
    this.#listeners = listeners;
  }

  /** Follows a connection string that may change. */
  follow(source: UriSource): void {
    this.#source = source;
    this.#followSource(source);
  }

  /** The servers, as the connection string names them. */
  get hosts(): readonly string[] {
    return this.#current.facts.hosts;
  }

  /** A server that is silent for this long is given up, in milliseconds. */
  get socketTimeoutMs(): number {
    return this.#current.client.options.socketTimeoutMS;
  }

  /** A database of the client of this moment: ask for it anew each time. */
  db(name: string): Db {
    return this.#current.client.db(name);
  }

  /** A collection whose operations go through the link, however often its client changes. */
  collection(database: string, name: string): Collection {
    let last: { client: EagerClient; collection: Collection } | undefined;
    const collectionOf = () => {
      const client = this.#current;
      if (last?.client !== client) last = { client, collection: client.client.db(database).collection(name) };
      return last.collection;
    };
    return withOperations(collectionOf, (operation) => this.run(operation));
  }

  /** Connects and logs in, unless that has been done. @throws {UnreachableError} Says why that is not possible. */
  async connect(): Promise<void> {
    await this.#takeChangedUri();
    const client = this.#current;
    try {
      await client.connect();
    } catch (error) {
      throw this.#failed(error, client, true);
    }
    this.#update();
  }

  /**
   * Sends an operation, connected first if that has not been done. Throws what the driver throws.
   *
   * @throws {UnreachableError} If the database cannot be reached or does not let the agent in.
   * @throws {NoAnswerError} If there is no answer in time.
   */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.#current.isConnected) await this.connect();
    const client = this.#current;
    try {
      const answer = await within(operation(), this.answerLimitMs);
      if (this.#refusal && client === this.#current) this.#accepted();
      return answer;
    } catch (error) {
      throw this.#failed(error, client, false);
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#retired.values()) clearTimeout(timer);
    const clients = [this.#current, ...this.#retired.keys()];
    this.#retired.clear();
    await Promise.all(clients.map((client) => client.close()));
    await this.#renewing;
  }

  #eager(client: EagerClient["client"]): EagerClient {
    const eager: EagerClient = new EagerClient({
      client,
      answerLimitMs: this.answerLimitMs,
      onWritable: (_, error) => this.#update(eager, error),
    });
    return eager;
  }

  /** What to throw: the same error, or the cause in words. */
  #failed(error: unknown, client: EagerClient, isConnecting: boolean): unknown {
    if (error instanceof UnreachableError || this.#stop.signal.aborted) return error;
    const diagnosis = diagnose(error, client.facts, isConnecting);
    if (!diagnosis) return error;
    const unreachable = new UnreachableError(diagnosis, error);
    if (diagnosis.isRefusal && client === this.#current && client.isConnected) this.#refused(unreachable);
    return unreachable;
  }

  #refused(error: UnreachableError): void {
    const isFirst = this.#refusal === undefined;
    this.#refusal = error;
    this.#update(this.#current, error);
    if (isFirst) this.#untilAccepted();
  }

  #accepted(): void {
    this.#refusal = undefined;
    this.#update();
  }

  /** Heartbeats need no password: a server that is in sight is in reach only if it lets the agent in. */
  #update(client = this.#current, error?: unknown): void {
    if (client !== this.#current) return;
    const isReachable = client.isConnected && client.isWritable && !this.#refusal;
    if (isReachable === this.#isReachable || this.#stop.signal.aborted) return;
    this.#isReachable = isReachable;
    const why = error === undefined ? undefined : this.#failed(error, client, true);
    this.#listeners.onReachable(isReachable, isReachable ? undefined : why);
  }

  /** Tries with new connections: those that stand stay shut out if their user was made anew. */
  async #untilAccepted(): Promise<void> {
    const { signal } = this.#stop;
    for (let tries = 0; this.#refusal && !signal.aborted; tries++) {
      await this.#renew(await this.#readUri() ?? this.#uri);
      if (!this.#refusal) return;
      await sleep(systemClock, REFUSED_MS[Math.min(tries, REFUSED_MS.length - 1)]!, signal);
    }
  }

  async #followSource(source: UriSource): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(systemClock, LOOK_MS, signal);
      const uri = await source.read();
      if (uri !== undefined && uri !== this.#uri && !signal.aborted) await this.#renew(uri);
    }
  }

  /** Before the first connection stands there is nothing that a new client would have to be better than. */
  async #takeChangedUri(): Promise<void> {
    if (this.#current.isConnected) return;
    const uri = await this.#readUri();
    if (uri === undefined || uri === this.#uri || this.#current.isConnected) return;
    const next = this.#clientFor(uri);
    if (next) this.#replace(next, uri);
  }

  async #readUri(): Promise<string | undefined> {
    return await this.#source?.read();
  }

  /** Puts a new client in the place of the present one, if it is let in. Never throws. */
  async #renew(uri: string): Promise<void> {
    this.#renewing ??= this.#renewOnce(uri).finally(() => this.#renewing = undefined);
    await this.#renewing;
  }

  async #renewOnce(uri: string): Promise<void> {
    const next = this.#clientFor(uri);
    if (!next) return;
    try {
      await next.connect();
    } catch (error) {
      await next.close().catch(() => {});
      if (uri !== this.#uri) this.#stale(errorText(this.#failed(error, next, true)));
      return;
    }
    if (this.#stop.signal.aborted) return await next.close();
    const isChanged = uri !== this.#uri;
    this.#replace(next, uri);
    if (isChanged) this.#listeners.onRenewed();
  }

  #clientFor(uri: string): EagerClient | undefined {
    if (uri !== this.#uri) this.#source?.onUri(uri);
    const [problem] = uriProblem(uri);
    const reason = problem ??
      (sameServers(uri, this.#uri)
        ? undefined
        : "It names other servers: restart the agent to move it there");
    if (reason === undefined) return this.#eager(connect(uri, this.#options).client);
    this.#stale(reason);
  }

  #stale(reason: string): void {
    if (this.#stop.signal.aborted || reason === this.#toldStale) return;
    this.#toldStale = reason;
    this.#listeners.onStale(reason);
  }

  #replace(next: EagerClient, uri: string): void {
    const old = this.#current;
    this.#current = next;
    this.#uri = uri;
    this.#refusal = undefined;
    this.#toldStale = "";
    const close = () => {
      this.#retired.delete(old);
      old.close().catch(() => {});
    };
    // What is under way there has an answer by then, or never will.
    this.#retired.set(old, setTimeout(close, this.answerLimitMs));
    this.#update();
  }
}

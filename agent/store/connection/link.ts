import type { Collection, Db, MongoClient } from "mongodb";
import type { Details, OperationKind } from "../../details.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { errorText } from "../../errors.ts";
import { Abilities } from "../server/abilities.ts";
import { linkedCollection } from "./linked_collection.ts";
import { answerWithin } from "./operation_timeout.ts";
import { OperationTimer } from "./operation_timer.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { diagnose } from "./diagnosis.ts";
import { EagerClient } from "./eager_client.ts";
import { type LinkListeners, NO_LISTENERS } from "./link_listeners.ts";
import { type NeededCertificate, neededCertificates } from "./needed_certificates.ts";
import { noMajority } from "./no_majority.ts";
import { isSameOrigin, type Origin } from "./origin.ts";
import { Renewals } from "./renewals.ts";
import { RetiredClients } from "./retired_clients.ts";
import { filesDigest, namesFiles, sameServers, uriProblem } from "./uri.ts";
import type { UriSource } from "./uri_source.ts";
import { UnreachableError } from "./unreachable.ts";

/**
 * The way to the database. All operations go through it, so that one place knows whether the database can be used, and
 * why not. Credentials may change while the agent runs: a new client replaces the old one once it has logged in, and
 * the operations that the old one has under way are finished.
 */
export class Link {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  /** An operation without an answer after this long is given up, in milliseconds. */
  readonly answerLimitMs: number;
  /** What the server lacks, as far as it is known. */
  readonly abilities = new Abilities();
  #options: ConnectionOptions;
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  readonly #timer: OperationTimer;
  readonly #renewals: Renewals;
  readonly #retired: RetiredClients;
  readonly #onReplaced: (() => void)[] = [];
  #listeners = NO_LISTENERS;
  #source: UriSource | undefined;
  #origin: Origin;
  #current: EagerClient;
  /** The client that is to take its place. */
  #next: EagerClient | undefined;
  /** Why the server does not let the agent in; undefined if it does. */
  #refusal: UnreachableError | undefined;
  #isReachable = false;
  #toldStale = "";

  /** @throws {MongoParseError} If the URI is not valid. */
  constructor(uri: string, options: ConnectionOptions, clock: Clock = systemClock, details?: Details) {
    this.#options = options;
    this.#clock = clock;
    this.#timer = new OperationTimer(clock, details);
    this.#retired = new RetiredClients(clock);
    this.#origin = { uri, files: undefined };
    this.#renewals = new Renewals({
      clock,
      isRefused: () => this.#refusal !== undefined,
      renew: (isRefused) => this.#renew(isRefused),
      signal: this.#stop.signal,
    });
    const { client, warnings, answerLimitMs } = connect(uri, options);
    this.warnings = warnings;
    this.answerLimitMs = answerLimitMs;
    this.#current = this.#eager(client);
  }

  listen(listeners: LinkListeners): void {
    this.#listeners = listeners;
  }

  /** Follows a connection string that may change, if there is a `source`, and files that it names in any case. */
  follow(source?: UriSource): void {
    this.#source = source;
    if (source || namesFiles(this.#origin.uri)) this.#renewals.watch();
  }

  /** Calls `listener` when another client has replaced the present one, which is closed a little later. */
  onReplaced(listener: () => void): void {
    this.#onReplaced.push(listener);
  }

  /** What the servers have said about themselves. */
  get told(): Pick<EagerClient, "description" | "hello" | "isStandalone" | "withoutMajority"> {
    return this.#current;
  }

  /** The servers, as the connection string names them. */
  get hosts(): readonly string[] {
    return this.#current.facts.hosts;
  }

  /** The certificates that a new connection needs. Never throws. */
  async certificates(): Promise<readonly NeededCertificate[]> {
    const { client, members } = this.#current;
    const servers = members.map(({ address }) => address);
    return client.options.tls ? await neededCertificates(this.#origin.uri, servers, this.#clock) : [];
  }

  /** The present client: ask for it anew each time. Its operations belong in {@linkcode Link.run}. */
  get client(): MongoClient {
    return this.#current.client;
  }

  /** A database of the present client: ask for it anew each time. */
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
    return linkedCollection(collectionOf, (operation, kind) => this.run(operation, kind), this.abilities);
  }

  /** Connects and logs in, unless that has been done. @throws {UnreachableError} Says why that is not possible. */
  async connect(): Promise<void> {
    await this.#takeChanges();
    const client = this.#current;
    try {
      await client.connect();
    } catch (error) {
      await client.lookAtCertificates(error);
      throw this.#failed(error, client, true);
    }
    this.#update();
  }

  /**
   * Sends an operation, connected first if that has not been done. Throws what the driver throws.
   *
   * @throws {UnreachableError} If the database cannot be reached or does not let the agent in.
   * @throws {OperationTimeoutError} If there is no answer in time.
   */
  async run<T>(operation: () => Promise<T>, kind: OperationKind = "other"): Promise<T> {
    if (!this.#current.isConnected) await this.connect();
    const client = this.#current;
    try {
      const send = () => answerWithin(operation(), this.answerLimitMs, this.#clock);
      const answer = await this.#timer.time(send, kind);
      if (this.#refusal && client === this.#current) this.#accepted();
      return answer;
    } catch (error) {
      await client.lookAtCertificates(error);
      throw this.#failed(error, client, false);
    }
  }

  /** Aborts when the link is closed. */
  get closed(): AbortSignal {
    return this.#stop.signal;
  }

  /** Connects anew, without the retryable writes that the server refuses. Throws as {@linkcode Link.connect} does. */
  async withoutRetryableWrites(): Promise<void> {
    const options = { ...this.#options, isWithoutRetries: true };
    await this.#succeed(this.#eager(connect(this.#origin.uri, options).client), this.#origin);
    this.#options = options;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    this.#stop.abort();
    const clients = [this.#current, ...this.#next ? [this.#next] : [], ...this.#retired.take()];
    await Promise.all(clients.map((client) => client.close()));
    await this.#renewals.ended();
  }

  #eager(client: EagerClient["client"]): EagerClient {
    const eager: EagerClient = new EagerClient({
      client,
      clock: this.#clock,
      answerLimitMs: this.answerLimitMs,
      onWritable: (_, error) => this.#update(eager, error),
    });
    return eager;
  }

  /** The error to throw: the same, or its cause in words. */
  #failed(error: unknown, client: EagerClient, isConnecting: boolean): unknown {
    if (error instanceof UnreachableError || this.#stop.signal.aborted) return error;
    const unacknowledged = isConnecting ? undefined : noMajority(error, client.members);
    if (unacknowledged) return unacknowledged;
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
    if (isFirst) this.#renewals.refused();
  }

  #accepted(): void {
    this.#refusal = undefined;
    this.#update();
  }

  /** Heartbeats need no password: the database is in reach only if the server also lets the agent in. */
  #update(client = this.#current, error?: unknown): void {
    if (client !== this.#current) return;
    const isReachable = client.isConnected && client.isWritable && !this.#refusal;
    if (isReachable === this.#isReachable || this.#stop.signal.aborted) return;
    this.#isReachable = isReachable;
    const why = error === undefined ? undefined : this.#failed(error, client, true);
    this.#listeners.onReachable(isReachable, isReachable ? undefined : why);
  }

  /** Before the first connection, there is nothing that a new client would have to be better than. */
  async #takeChanges(): Promise<void> {
    if (this.#current.isConnected) return;
    const origin = await this.#look();
    if (this.#current.isConnected || this.#stop.signal.aborted) return;
    // The driver reads the files with the first attempt, and keeps their contents.
    if (this.#origin.files === undefined) this.#origin = { ...this.#origin, files: origin.files };
    if (isSameOrigin(origin, this.#origin)) return;
    const next = this.#clientFor(origin.uri);
    if (next) this.#replace(next, origin);
  }

  /** The parts of a client as they are now. A file that cannot be read just now counts as unchanged. */
  async #look(): Promise<Origin> {
    const uri = await this.#source?.read() ?? this.#origin.uri;
    return { uri, files: await filesDigest(uri) ?? this.#origin.files };
  }

  /**
   * Replaces the present client by a new one, if something has changed or the server refuses the present one: if its
   * user was removed and made again, its connections stay refused. The new one has to log in first. Never throws.
   */
  async #renew(isRefused: boolean): Promise<void> {
    const origin = await this.#look();
    const isChanged = !isSameOrigin(origin, this.#origin);
    if (this.#stop.signal.aborted || !(isRefused || isChanged)) return;
    const next = this.#clientFor(origin.uri);
    if (!next) return;
    try {
      if (await this.#succeed(next, origin) && isChanged) this.#listeners.onRenewed();
    } catch (error) {
      if (isChanged) this.#stale(errorText(error));
    }
  }

  /** Has a client take the place of the present one, once it has logged in; returns false if the link is closed by then. */
  async #succeed(next: EagerClient, origin: Origin): Promise<boolean> {
    this.#next = next;
    try {
      await next.connect();
    } catch (error) {
      await next.lookAtCertificates(error);
      await next.close().catch(() => {});
      throw this.#failed(error, next, true);
    } finally {
      this.#next = undefined;
    }
    if (this.#stop.signal.aborted) await next.close();
    else this.#replace(next, origin);
    return !this.#stop.signal.aborted;
  }

  #clientFor(uri: string): EagerClient | undefined {
    if (uri !== this.#origin.uri) this.#source?.onUri(uri);
    const [problem] = uriProblem(uri, this.#source ? "MONGODB_URI_FILE" : "MONGODB_URI");
    const reason = problem ??
      (sameServers(uri, this.#origin.uri)
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

  #replace(next: EagerClient, origin: Origin): void {
    const old = this.#current;
    this.#current = next;
    this.#origin = origin;
    this.#refusal = undefined;
    this.#toldStale = "";
    this.#retired.add(old, this.answerLimitMs);
    this.#update();
    for (const listener of this.#onReplaced) listener();
  }
}

import {
  type Document,
  type MongoClient,
  MongoTopologyClosedError,
  type ServerHeartbeatSucceededEvent,
} from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { answerWithin } from "./operation_timeout.ts";
import type { Facts } from "./cause.ts";
import { clientCertificateIn } from "./client_certificate.ts";
import { unverifiedServers } from "./diagnosis.ts";
import { isLoginMissing } from "./login_missing.ts";
import { type Member, whyNoMajority } from "./no_majority.ts";
import { type ServerCertificate, serverCertificate } from "./server_certificate.ts";

/** Kinds of servers that take writes, in the driver's words. */
const WRITABLE = new Set(["Standalone", "RSPrimary", "Mongos", "LoadBalancer"]);

/**
 * A client of the driver's that is connected before it is used. By default the driver connects with the first
 * operation. If that fails, it closes what every other operation waits for: they all end in "Topology is closed", and
 * the cause is lost. Here there is one attempt at a time. All operations that need it wait for it, and all get its
 * cause.
 */
export class EagerClient {
  readonly client: MongoClient;
  readonly #answerLimitMs: number;
  readonly #clock: Clock;
  #connecting: Promise<void> | undefined;
  #isConnected = false;
  #isClosed = false;
  #isWritable = false;
  #seenSet: string | undefined;
  #hello: Document | undefined;
  #description: string | undefined;
  #members: readonly Member[] = [];
  /** What servers have shown whose certificates were not accepted, by host and port. */
  readonly #certificates = new Map<string, ServerCertificate>();

  constructor({ client, clock, answerLimitMs, onWritable }: EagerClientOptions) {
    this.client = client;
    this.#answerLimitMs = answerLimitMs;
    this.#clock = clock;
    client.on("serverHeartbeatSucceeded", ({ reply }: ServerHeartbeatSucceededEvent) => {
      this.#seenSet = typeof reply.setName === "string" ? reply.setName : "";
      if (reply.isWritablePrimary || reply.ismaster) this.#described(reply);
    });
    client.on("topologyDescriptionChanged", ({ newDescription }) => {
      const servers = [...newDescription.servers.values()];
      this.#members = servers;
      const isWritable = servers.some(({ type }) => WRITABLE.has(type));
      if (isWritable === this.#isWritable) return;
      this.#isWritable = isWritable;
      onWritable(isWritable, servers.find(({ error }) => error)?.error ?? undefined);
    });
  }

  /** It has connected and logged in once. From then on the driver reconnects by itself. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** A server that takes writes answers. It answers clients with any password. */
  get isWritable(): boolean {
    return this.#isWritable;
  }

  /** The last answer to `hello` of a server that takes writes. */
  get hello(): Document | undefined {
    return this.#hello;
  }

  /** The same for servers of one kind and version; undefined as long as none has answered. */
  get description(): string | undefined {
    return this.#description;
  }

  /** Why no majority of the set can acknowledge writes now, as the driver sees its members; undefined if one can. */
  get withoutMajority(): string | undefined {
    return whyNoMajority(this.#members);
  }

  /** Whether the server is known to be one by itself, in no replica set and no cluster. */
  get isStandalone(): boolean {
    return this.#members.some(({ type }) => type === "Standalone");
  }

  /** The servers, as the driver sees them. */
  get members(): readonly Member[] {
    return this.#members;
  }

  get facts(): Facts {
    const { hosts, srvHost, tls, directConnection, credentials, replicaSet } = this.client.options;
    const { cert } = this.client.options;
    const names = hosts.map(String);
    return {
      hosts: names.length > 0 || srvHost === undefined ? names : [srvHost],
      isTls: tls,
      isDirect: directConnection,
      hasCredentials: credentials !== undefined,
      mechanism: credentials?.mechanism,
      authSource: credentials?.source ?? "admin",
      clientCertificate: cert === undefined ? undefined : clientCertificateIn(String(cert)),
      serverCertificates: this.#certificates,
      replicaSet: replicaSet || undefined,
      seenSet: this.#seenSet,
    };
  }

  /** Connects and logs in, unless that has been done. Throws what the driver throws. */
  async connect(): Promise<void> {
    if (this.#isConnected) return;
    this.#connecting ??= this.#attempt().finally(() => this.#connecting = undefined);
    await this.#connecting;
  }

  #described(hello: Document): void {
    this.#hello = hello;
    const { internal, localTime, maxWireVersion, msg } = hello;
    this.#description = [maxWireVersion, msg, internal !== undefined, localTime instanceof Date].join(" ");
  }

  async #attempt(): Promise<void> {
    // The driver would open a closed client again.
    if (this.#isClosed) throw new MongoTopologyClosedError();
    await answerWithin(this.client.connect(), this.#answerLimitMs, this.#clock);
    // The driver logs in only if there are credentials. A server that needs a login lets everyone connect.
    if (this.client.options.credentials === undefined) await this.#ask();
    // The driver sends no heartbeats to a load balancer.
    if (this.client.options.loadBalanced) {
      const hello = this.client.db("admin").command({ hello: 1 });
      this.#described(await answerWithin(hello, this.#answerLimitMs, this.#clock));
    }
    if (this.#isClosed) throw new MongoTopologyClosedError();
    this.#isConnected = true;
  }

  /** Throws if the server needs a login. The answer is small, and the command needs no right of its own. */
  async #ask(): Promise<void> {
    const question = {
      listDatabases: 1,
      nameOnly: true,
      authorizedDatabases: true,
      filter: { name: "admin" },
    };
    try {
      await answerWithin(this.client.db("admin").command(question), this.#answerLimitMs, this.#clock);
    } catch (error) {
      // No other answer of a server, or of a compatible one, is a reason not to use it.
      if (isLoginMissing(error)) throw error;
    }
  }

  /**
   * Looks at the certificates of the servers that an error is about, if they were not accepted: the error tells little of
   * why, and {@linkcode EagerClient.facts} have them then. Never throws.
   */
  async lookAtCertificates(error: unknown): Promise<void> {
    if (this.#isClosed) return;
    await Promise.all(
      unverifiedServers(error, this.facts).map(async (server) => {
        const shown = await serverCertificate(server, this.#clock);
        if (shown) this.#certificates.set(server, shown);
        else this.#certificates.delete(server);
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.client.close();
  }
}

/** What an {@linkcode EagerClient} needs. */
export interface EagerClientOptions {
  client: MongoClient;
  clock: Clock;
  /** An attempt to connect that has not ended by then has failed, in milliseconds. */
  answerLimitMs: number;
  /** Called when a server that takes writes is found or lost, with the driver's reason for the loss. */
  onWritable(isWritable: boolean, error?: unknown): void;
}

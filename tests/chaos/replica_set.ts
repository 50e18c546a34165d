/**
 * A replica set of three real members on this machine, each behind a {@linkcode MemberLink}.
 *
 * @module
 */

import { type Document, MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { waitFor } from "../support/wait.ts";
import { MemberLink } from "./member_link.ts";

const MEMBERS = 3;
/** Long enough for an oplog of six hours, on each member. */
const OPLOG_MB = 1024;
/** Connections that a member takes, so that they can be used up. */
export const MAX_CONNECTIONS = 400;
/** How long all members may take to be in order again. */
const HEALTHY_TIMEOUT_MS = 90_000;
const [PRIMARY, SECONDARY] = [1, 2];

/** The name by which the links know the clients of the chaos itself. They are never cut off. */
export const OWN_APP = "chaos";

/** Members that are killed, frozen and cut off; `await using` stops them. */
export class ReplicaSet implements AsyncDisposable {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** @throws {Error} if there is no `mongod` */
  static async start(): Promise<ReplicaSet> {
    const members = await Promise.all(Array.from({ length: MEMBERS }, (_, id) => Member.start(id)));
    const set = new ReplicaSet(members);
    // On a machine that is busy its first answers take seconds.
    await using direct = members[0]!.client({ selectionMs: HEALTHY_TIMEOUT_MS });
    await direct.db("admin").command({
      replSetInitiate: {
        _id: "rs0",
        members: members.map(({ id, link }) => ({ _id: id, host: `127.0.0.1:${link.port}` })),
        settings: { electionTimeoutMillis: 2000, heartbeatIntervalMillis: 500, heartbeatTimeoutSecs: 2 },
      },
    });
    await set.untilHealthy();
    return set;
  }

  /** The connection string for agents: it names the links. */
  get uri(): string {
    return `mongodb://${this.members.map(({ link }) => `127.0.0.1:${link.port}`).join(",")}/?replicaSet=rs0`;
  }

  /** A client of the chaos itself, which no link cuts off. */
  client(): MongoClient {
    return new MongoClient(this.uri, { appName: OWN_APP, serverSelectionTimeoutMS: HEALTHY_TIMEOUT_MS });
  }

  /** The member that takes writes; waits until there is one. */
  async primary(): Promise<Member> {
    return await waitFor("a primary", async () => {
      for (const member of this.members) if (await member.state() === PRIMARY) return member;
    }, { timeoutMs: HEALTHY_TIMEOUT_MS });
  }

  async secondaries(): Promise<Member[]> {
    const primary = await this.primary();
    return this.members.filter((member) => member !== primary);
  }

  /** Resolves when there is one primary, and all others follow it. */
  async untilHealthy(): Promise<void> {
    await waitFor("the members to be in order", async () => {
      const states = await Promise.all(this.members.map((member) => member.state()));
      return states.filter((state) => state === PRIMARY).length === 1 &&
        states.every((state) => state === PRIMARY || state === SECONDARY);
    }, { timeoutMs: HEALTHY_TIMEOUT_MS });
  }

  /**
   * Has all members fail commands in the words of the fail point `failCommand`; returns how many they failed since they were
   * told before.
   */
  async failCommands(mode: unknown, data?: Document): Promise<number> {
    let failed = 0;
    for (const member of this.members) {
      await using direct = member.client();
      const command = { configureFailPoint: "failCommand", mode, ...(data && { data }) };
      failed += (await direct.db("admin").command(command)).count;
    }
    return failed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}

/** A member of the set. */
export class Member implements AsyncDisposable {
  readonly id: number;
  readonly server: RunningMongod;
  readonly link: MemberLink;

  private constructor(id: number, server: RunningMongod, link: MemberLink) {
    this.id = id;
    this.server = server;
    this.link = link;
  }

  static async start(id: number): Promise<Member> {
    const link = new MemberLink();
    const server = await startMongod({
      testCommands: true,
      cacheGb: 0.25,
      args: ["--replSet", "rs0", "--oplogSize", String(OPLOG_MB), "--maxConns", String(MAX_CONNECTIONS)],
    });
    link.forwardTo(server.port);
    return new Member(id, server, link);
  }

  /** A client for this member alone, which goes past the link; it gives up after `selectionMs` without the member. */
  client({ selectionMs = 2000 } = {}): MongoClient {
    return new MongoClient(`mongodb://127.0.0.1:${this.server.port}/?directConnection=true`, {
      appName: OWN_APP,
      serverSelectionTimeoutMS: selectionMs,
      socketTimeoutMS: 20_000,
    });
  }

  /** Whether a connection comes from this member. */
  isPeer = (peer: object): boolean => "port" in peer && peer.port === this.server.port;

  /** Its state as a member: 1 is the primary; undefined if it does not answer. */
  async state(): Promise<number | undefined> {
    await using direct = new MongoClient(`mongodb://127.0.0.1:${this.server.port}/?directConnection=true`, {
      appName: OWN_APP,
      serverSelectionTimeoutMS: 1000,
      socketTimeoutMS: 1000,
    });
    try {
      const { myState } = await direct.db("admin").command({ replSetGetStatus: 1 });
      return myState;
    } catch {
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link[Symbol.asyncDispose]();
    await this.server.stop();
  }
}

/**
 * A dashboard in the process of a test, on a real port and a real database.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { Access } from "../../control/dashboard/access.ts";
import type { Job } from "../../control/dashboard/api.ts";
import { Dashboard } from "../../control/dashboard/dashboard.ts";
import { DashboardSite } from "../../control/dashboard/dashboard_site.ts";
import { BoundedServer } from "../../control/http/bounded_server.ts";
import { waitFor } from "./wait.ts";

/** What a dashboard of a test is like. */
export interface ServedOptions {
  readonly db: { readonly uri: string; readonly name: string };
  readonly allowsActions?: boolean;
  /** How long what was read counts. */
  readonly clock?: Clock;
  readonly base?: string;
  readonly hosts?: readonly string[];
  /** As if other machines reached it. */
  readonly isLoopback?: boolean;
  readonly tokenFile?: string;
  /** The time of day, by which logins end. */
  readonly now?: () => Date;
}

/** An answer, as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A viewer that acts: what each action needs. */
export const ACTOR = { by: "Ada", reason: "the test wants it" };

const PAGE = new TextEncoder().encode("<!doctype html>");

/** A dashboard that `await using` ends. */
export class ServedDashboard implements AsyncDisposable {
  readonly port: number;
  readonly base: string;
  readonly #server: BoundedServer;
  readonly #dashboard: Dashboard;
  readonly #store: MongoStore;

  private constructor(access: Access, base: string, options: ServedOptions) {
    const { allowsActions = true, clock, db, hosts = [], isLoopback = true } = options;
    const settings = settingsOn(db);
    this.base = base;
    this.#store = new MongoStore(settings);
    this.#dashboard = new Dashboard({ store: this.#store, settings, allowsActions, clock });
    const page = new Map([["index.html", { bytes: PAGE, type: "text/html", encoding: undefined }]]);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
    this.#server = new BoundedServer({
      clock: systemClock,
      exchange: new DashboardSite({
        access,
        base,
        clock,
        dashboard: this.#dashboard,
        hosts,
        isLoopback,
        page,
      }),
      limits: { connections: 64, everyMs: 1, waitMs: 20, lifeMs: 20_000 },
      listener,
    });
  }

  static async start(options: ServedOptions): Promise<ServedDashboard> {
    const { base = "/", now, tokenFile } = options;
    return new ServedDashboard(await Access.open(tokenFile, base, { ...now && { now } }), base, options);
  }

  /** Makes the indexes that an agent makes. */
  async makeIndexes(): Promise<void> {
    await this.#store.ensureIndexes();
  }

  /** Sends bytes as they are, and reads until the other end closes. */
  async raw(request: string | Uint8Array): Promise<RawAnswer> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const bytes = typeof request === "string" ? new TextEncoder().encode(request) : request;
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    return rawAnswer(await new Response(connection.readable).text());
  }

  /** A request as a person's tool sends it, with other headers besides; a body makes it a POST of JSON. */
  ask(
    path: string,
    headers: Record<string, string> = {},
    body?: unknown,
    method?: string,
  ): Promise<RawAnswer> {
    const sent = body === undefined ? "" : JSON.stringify(body);
    const length = new TextEncoder().encode(sent).length;
    const all = {
      Host: `127.0.0.1:${this.port}`,
      ...(body !== undefined && { "Content-Type": "application/json", "Content-Length": String(length) }),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const verb = method ?? (body === undefined ? "GET" : "POST");
    return this.raw(`${verb} ${this.base}${path} HTTP/1.1\r\n${lines}\r\n${sent}`);
  }

  /** The JSON of an answer of status 200. */
  async json<T>(path: string, body?: unknown): Promise<T> {
    const answer = await this.ask(path, {}, body);
    assertEquals(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  }

  /** Waits until a job is in a state, or has failed; returns it. */
  jobIn(state: Job["state"], id: string, patience: { timeoutMs?: number } = {}): Promise<Job> {
    return waitFor(`the job to be ${state}`, async () => {
      const { job } = await this.json<{ job: Job }>(`api/jobs/${id}`);
      if (job.state !== state) throw new Error(JSON.stringify(job));
      return job;
    }, patience);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await this.#dashboard.close();
    await this.#store.close();
  }
}

/** The settings of an agent on a database, whose collection is `documents`. */
function settingsOn({ name, uri }: { readonly uri: string; readonly name: string }): Settings {
  const env: Record<string, string> = {
    MONGODB_URI: uri,
    MONGODB_DATABASE: name,
    MONGODB_COLLECTION: "documents",
    PROCESSOR: "log",
  };
  const { problems, values } = loadSettings((variable) => env[variable]);
  assertEquals(problems, []);
  return values as Settings;
}

function rawAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line) =>
    [line.split(": ")[0]!.toLowerCase(), line.slice(line.indexOf(": ") + 2)] as const
  );
  return { status: Number(first.split(" ")[1]), headers: new Map(headers), body: text.slice(end + 4) };
}

import type { Document } from "bson";
import { Acceptor, targetOf } from "../acceptor.ts";
import { TestDatabase, testUri } from "../mongod.ts";
import {
  answerOf,
  answerTo,
  answerWith,
  answerWithout,
  commandWith,
  hasMoreToCome,
  headerOf,
  messages,
  send,
  wholeCommandOf,
} from "../wire_messages.ts";
import type { Command, Difference, Profile, Refusal, ServerMemory } from "./profile.ts";

const HELLO = new Set(["hello", "isMaster", "ismaster"]);
/** The lists of writes, by command. */
const WRITES: Record<string, string> = { insert: "documents", update: "updates", delete: "deletes" };
const DATABASE_PREFIX = "profile";

/**
 * A real server that answers as a compatible one would, by a proxy in front of it: it refuses what that server refuses,
 * in its words. `await using` ends its connections.
 */
export class ProfileServer implements AsyncDisposable {
  readonly profile: Profile;
  readonly #realUri: string;
  readonly #acceptor: Acceptor;
  readonly #memory: ServerMemory = { streams: new Set(), building: new Set() };
  readonly #refusals = new Map<string, number>();

  constructor(profile: Profile, uri = testUri()) {
    this.profile = profile;
    this.#realUri = uri;
    const target = targetOf(new URL(uri));
    this.#acceptor = Acceptor.plain(async (client, dial) => {
      const server = await dial(target);
      const changes = new Map<number, AnswerChange>();
      await Promise.race([
        this.#fromClient(client, server, changes),
        this.#fromServer(server, client, changes),
      ]);
    });
  }

  /** As users of the server write it. */
  get uri(): string {
    return `mongodb://${this.#address}/${this.profile.uriOptions && `?${this.profile.uriOptions}`}`;
  }

  /** A fresh database of the real server, for what a test sets up and looks at. */
  database(): TestDatabase {
    return new TestDatabase(this.#realUri, `${DATABASE_PREFIX}_${crypto.randomUUID().slice(0, 8)}`);
  }

  /** How often each difference was met so far, by its `what`. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  get #address(): string {
    return `127.0.0.1:${this.#acceptor.port}`;
  }

  async #fromClient(client: Deno.Conn, server: Deno.Conn, changes: Map<number, AnswerChange>): Promise<void> {
    for await (const message of messages(client)) {
      const header = headerOf(message);
      const request = requestOf(wholeCommandOf(message));
      const [own, change] = this.#ownAnswer(request);
      if (own) {
        await send(client, answerTo(header, own));
        continue;
      }
      if (change) changes.set(header.requestId, change);
      await send(server, this.#asMeant(message, request));
    }
  }

  async #fromServer(server: Deno.Conn, client: Deno.Conn, changes: Map<number, AnswerChange>): Promise<void> {
    for await (const message of messages(server)) {
      const { requestId, responseTo } = headerOf(message);
      const change = changes.get(responseTo);
      changes.delete(responseTo);
      // The next answer answers this one.
      if (change && hasMoreToCome(message)) changes.set(requestId, change);
      const replaced = change?.(answerOf(message));
      await send(
        client,
        replaced ? answerWith(message, replaced) : answerWithout(message, this.profile.hides),
      );
    }
  }

  /** What the server says without looking at its data, or how its answer is changed. */
  #ownAnswer(command: Command): [Document | undefined, AnswerChange?] {
    if (HELLO.has(command.name)) return [undefined, (real) => this.profile.hello(real, this.#address)];
    if (command.name === "buildInfo" || command.name === "buildinfo") return [this.profile.buildInfo];
    for (const { what, shows } of this.profile.rows) {
      const answer = this.#differs(shows, command);
      if (!answer) continue;
      this.#refusals.set(what, (this.#refusals.get(what) ?? 0) + 1);
      return [answer];
    }
    if (command.name !== "createIndexes") return [undefined];
    const place = `${command.body.$db}.${command.collection}`;
    this.#memory.building.add(place);
    return [undefined, () => void this.#memory.building.delete(place)];
  }

  #differs(shows: Difference, command: Command): Document | undefined {
    if ("answers" in shows) return shows.answers(command, this.#memory);
    if ("refuses" in shows) {
      const found = shows.refuses(command, this.#memory);
      return found ? { ok: 0, ...errorOf(shows.with, found) } : undefined;
    }
    if (!("refusesWrite" in shows)) return undefined;
    const list = WRITES[command.name];
    if (list === undefined) return undefined;
    const found = (command.body[list] as Document[]).map((write) => shows.refusesWrite(write, this.#memory));
    const errors = found.flatMap((each, index) => each ? [{ index, ...errorOf(shows.with, each) }] : []);
    if (errors.length === 0) return undefined;
    const writeErrors = command.body.ordered === false ? errors : errors.slice(0, 1);
    return { ok: 1, n: 0, ...(command.name === "update" && { nModified: 0 }), writeErrors };
  }

  /** The message as the real server has to understand it. */
  #asMeant(message: Uint8Array, command: Command): Uint8Array {
    let [changed, meant] = [message, command];
    for (const { shows } of this.profile.rows) {
      if ("means" in shows) {
        const body = shows.means(meant);
        if (!body) continue;
        changed = commandWith(changed, { body });
        meant = { ...meant, body };
      } else if ("ignores" in shows && command.name in WRITES) {
        changed = commandWith(changed, { dropped: new Set([shows.ignores]) });
      }
    }
    return changed;
  }
}

/** What a client gets instead of the real answer; undefined if that is passed on. */
type AnswerChange = (real: Document) => Document | undefined | void;

function requestOf(body: Document): Command {
  const [name = "", collection] = Object.entries(body)[0] ?? [];
  if (name !== "explain") return { name, collection: String(collection), body };
  return { ...requestOf(body.explain), body: { ...body.explain, $db: body.$db } };
}

function errorOf({ code, codeName, errmsg }: Refusal, found: string | true): Document {
  return { code, ...(codeName && { codeName }), errmsg: errmsg.replace("{}", String(found)) };
}

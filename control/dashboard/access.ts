import { randomBytes, timingSafeEqual } from "node:crypto";
import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { WatchedFile } from "../../agent/processors/http/watched_file.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { secrets } from "../../agent/text/redact.ts";
import type { RequestHeaders } from "../http/request.ts";
import { Refusal } from "./refusal.ts";
import { SESSION_MS, Sessions } from "./sessions.ts";
import { TokenKey } from "./token_key.ts";

/** A token is at least so long, in characters: it has to withstand guesses. */
const MIN_TOKEN = 16;
/** The answer to a wrong token takes so long, in milliseconds, and so many of them wait at a time. */
const [WRONG_MS, WRONG_AT_ONCE] = [1000, 8];
/** The secret of a login, in bytes. */
const SECRET = 32;

/**
 * Who may use the dashboard: those with the token of a file, or all that reach it if there is none.
 *
 * A wrong token is answered late, and only some wrong ones wait at a time: that bounds the guesses to eight a second,
 * and keeps out none that has the right one.
 */
export class Access {
  readonly #file: WatchedFile<TokenKey> | undefined;
  readonly #clock: Clock;
  readonly #base: string;
  readonly #sessions: Sessions;
  #waiting = 0;

  private constructor(
    file: WatchedFile<TokenKey> | undefined,
    base: string,
    { clock = systemClock, now = () => new Date() }: AccessTime,
  ) {
    this.#file = file;
    this.#base = base;
    this.#clock = clock;
    this.#sessions = new Sessions(now);
  }

  /**
   * Reads the token.
   *
   * @param base the path that the cookie of a login is for
   * @throws {UsageError} If the file cannot be read, or its token is too short.
   */
  static async open(path: string | undefined, base: string, time: AccessTime = {}): Promise<Access> {
    if (path === undefined) return new Access(undefined, base, time);
    const { WatchedFile } = await import("../../agent/processors/http/watched_file.ts");
    const file = await WatchedFile.open(path, { variable: "DASHBOARD_TOKEN_FILE", parse: tokenIn });
    return new Access(file, base, time);
  }

  /** Whether a token is needed. */
  get hasToken(): boolean {
    return this.#file !== undefined;
  }

  /**
   * Whether a request may go on: its cookie or its `Authorization: Bearer` is right.
   *
   * @throws {Refusal} If too many wrong tokens were sent just now.
   */
  async isAllowed(headers: RequestHeaders): Promise<boolean> {
    const key = await this.#key();
    if (key === undefined) return true;
    if (this.#isLoggedIn(headers, key)) return true;
    // A proxy in front may send a token of its own: it does not lock out who is logged in.
    const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    return bearer !== undefined && await this.#isRight(bearer, key);
  }

  #isLoggedIn(headers: RequestHeaders, key: TokenKey): boolean {
    const secret = secretIn(headers, key);
    // What was sealed with a token that was replaced since is not found.
    return secret !== undefined && this.#sessions.has(key.seal(secret));
  }

  /**
   * The header that logs a browser in.
   *
   * @throws {Refusal} If the token is wrong, or too many wrong ones were sent just now.
   */
  async login(token: string, headers: RequestHeaders): Promise<Record<string, string>> {
    const key = await this.#key();
    if (key === undefined) return {};
    if (!await this.#isRight(token, key)) throw new Refusal(401, "login", "The token is wrong");
    const secret = randomBytes(SECRET).toString("hex");
    this.#sessions.open(key.seal(secret));
    return this.#cookie(key, secret, SESSION_MS / 1000, headers);
  }

  /** Ends the login of a request, also for those that have copied its cookie; returns the header that removes the cookie. */
  async logout(headers: RequestHeaders): Promise<Record<string, string>> {
    const key = await this.#key();
    if (key === undefined) return {};
    const secret = secretIn(headers, key);
    if (secret !== undefined) this.#sessions.close(key.seal(secret));
    return this.#cookie(key, "", 0, headers);
  }

  #cookie(
    { name }: TokenKey,
    value: string,
    seconds: number,
    headers: RequestHeaders,
  ): Record<string, string> {
    // The page itself tells how the browser has come here, also if a proxy has ended TLS.
    const secure = headers.get("origin")?.startsWith("https:") ? "; Secure" : "";
    const limits = `Path=${this.#base}; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
    return { "Set-Cookie": `${name}=${value}; ${limits}` };
  }

  async #isRight(token: string, key: TokenKey): Promise<boolean> {
    if (isSame(key.digest(token), key.own)) return true;
    if (this.#waiting >= WRONG_AT_ONCE) {
      throw new Refusal(429, "busy", "Too many wrong tokens were sent just now: retry in a second");
    }
    this.#waiting += 1;
    await sleep(this.#clock, WRONG_MS);
    this.#waiting -= 1;
    return false;
  }

  async #key(): Promise<TokenKey | undefined> {
    return await this.#file?.value({ warn: (text) => remarks.say(`pulling-agent: ${text}`) });
  }
}

/** The time of an {@linkcode Access}. */
interface AccessTime {
  readonly clock?: Clock;
  /** A login ends by the time of day, as the cookie does: a machine may sleep. */
  readonly now?: () => Date;
}

function secretIn(headers: RequestHeaders, { name }: TokenKey): string | undefined {
  const [, secret] = new RegExp(`(?:^|; *)${name}=([0-9a-f]{${2 * SECRET}})(?:;|$)`)
    .exec(headers.get("cookie") ?? "") ?? [];
  return secret;
}

function tokenIn(content: string): TokenKey {
  const token = content.trim();
  if (token.length < MIN_TOKEN || /\s/.test(token)) {
    throw new Error(
      `must hold one token of at least ${MIN_TOKEN} characters, without blanks, as openssl rand -hex 32 makes it`,
    );
  }
  secrets.learnValues("DASHBOARD_TOKEN_FILE", [token]);
  return new TokenKey(token);
}

/** In a time that does not depend on where they differ. Both are digests, of the same length. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => new TextEncoder().encode(text));
  return first!.length === second!.length && timingSafeEqual(first!, second!);
}

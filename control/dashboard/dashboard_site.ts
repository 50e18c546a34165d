import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import type { Answer, Exchange, MalformedStatus } from "../http/exchange.ts";
import type { HttpRequest, RequestHead } from "../http/request.ts";
import type { Access } from "./access.ts";
import { failureAnswer, jsonAnswer, SAFE_HEADERS } from "./answers.ts";
import type { SessionAnswer } from "./api.ts";
import { Asked } from "./asked.ts";
import type { Dashboard } from "./dashboard.ts";
import { Door, type DoorOptions } from "./door.ts";
import type { PageFile } from "./page_files.ts";
import { Refusal } from "./refusal.ts";
import { type Route, ROUTES } from "./routes.ts";

/**
 * The head and the body of a request are at most so long, in bytes. A head has the cookies of all that is served from this
 * machine, on any port, and the key of a document, which has three bytes for most.
 */
const [MAX_HEAD_BYTES, MAX_BODY_BYTES] = [65_536, 65_536];
/** A token is at most so long, in UTF-16 units. */
const MAX_TOKEN = 4096;

/**
 * A request is answered after so long at the latest, in milliseconds: before its connection is closed, and the page gives
 * up.
 */
const ANSWER_MS = 10_000;
const LATE =
  `There was no answer within ${
    ANSWER_MS / 1000
  } s: MongoDB, or this machine, is too slow. What was asked for ` +
  "may still be done: look before you retry";

const MALFORMED: Readonly<Record<MalformedStatus, string>> = {
  400: "This is not a request of HTTP/1.1, or it names two hosts, lengths or types",
  411: "The length of the body is missing: send Content-Length",
  413: `The body has more than ${MAX_BODY_BYTES} bytes: name fewer documents`,
  431:
    `The address and the headers have more than ${MAX_HEAD_BYTES} bytes: the cookies of this name may be too many, or ` +
    "an _id too long",
};

/** The dashboard as HTTP: the files of the page, the login, and the interface behind it. */
export class DashboardSite implements Exchange {
  readonly maxHeadBytes = MAX_HEAD_BYTES;
  readonly maxBodyBytes = MAX_BODY_BYTES;
  readonly #options: DashboardSiteOptions;
  readonly #door: Door;

  constructor(options: DashboardSiteOptions) {
    this.#options = options;
    this.#door = new Door(options);
  }

  /** Refuses what needs no look at the body. */
  refusal(head: RequestHead): Answer | undefined {
    try {
      this.#door.check(head);
    } catch (error) {
      return failureAnswer(error, reportBug);
    }
  }

  /** Never throws. */
  async answer(request: HttpRequest): Promise<Answer> {
    const { clock = systemClock } = this.#options;
    const deadline = { clock, limitMs: ANSWER_MS };
    return await doneBy(this.#answered(request), deadline) ??
      failureAnswer(new Refusal(504, "database", LATE), reportBug);
  }

  /** Never throws. */
  async #answered(request: HttpRequest): Promise<Answer> {
    try {
      const { base } = this.#options;
      const { path } = request;
      if (path === base.slice(0, -1)) return { status: 308, headers: { ...SAFE_HEADERS, Location: base } };
      if (!path.startsWith(base)) return nothing();
      const inner = path.slice(base.length);
      return inner.startsWith("api/")
        ? await this.#api(request, inner.slice("api/".length))
        : this.#file(request, inner || "index.html");
    } catch (error) {
      return failureAnswer(error, reportBug);
    }
  }

  malformed(status: MalformedStatus): Answer {
    return failureAnswer(new Refusal(status, "request", MALFORMED[status]), reportBug);
  }

  #file({ method }: HttpRequest, name: string): Answer {
    if (method !== "GET" && method !== "HEAD") return notAllowed(["GET", "HEAD"]);
    // A name is looked up among those that there are, and never on a disk.
    const file = this.#options.page.get(name);
    if (file === undefined) return nothing();
    const encoding = file.encoding === undefined ? {} : { "Content-Encoding": file.encoding };
    return {
      status: 200,
      headers: { ...SAFE_HEADERS, "Content-Type": file.type, ...encoding },
      body: file.bytes,
    };
  }

  async #api(request: HttpRequest, path: string): Promise<Answer> {
    const { access, dashboard } = this.#options;
    const { headers, method } = request;
    if (path === "session" && method === "GET") {
      return jsonAnswer(await this.#session(await access.isAllowed(headers)));
    }
    if (path === "login" && method === "POST") {
      const cookie = await access.login(new Asked(request, []).text("token", MAX_TOKEN), headers);
      return jsonAnswer(await this.#session(true), 200, cookie);
    }
    if (path === "logout" && method === "POST") {
      return jsonAnswer(await this.#session(!access.hasToken), 200, await access.logout(headers));
    }
    // Without a login, not even which paths there are is told.
    if (!await access.isAllowed(headers)) throw new Refusal(401, "login", "Log in first");
    const { parts, route } = routeOf(method, path);
    if (route.isAction) {
      const whyNot = await dashboard.whyNoActions();
      if (whyNot !== undefined) throw new Refusal(403, "forbidden", whyNot);
    }
    return await route.answer(dashboard, new Asked(request, parts));
  }

  async #session(isLoggedIn: boolean): Promise<SessionAnswer> {
    const { access, dashboard } = this.#options;
    return {
      logged_in: isLoggedIn,
      has_token: access.hasToken,
      about: isLoggedIn ? await dashboard.about() : null,
    };
  }
}

/** What a {@linkcode DashboardSite} needs. */
export interface DashboardSiteOptions extends DoorOptions {
  readonly access: Access;
  readonly clock?: Clock | undefined;
  readonly dashboard: Dashboard;
  /** The files of the page, by their paths. */
  readonly page: ReadonlyMap<string, PageFile>;
}

/** @throws {Refusal} If there is none. */
function routeOf(method: string, path: string): { route: Route; parts: string[] } {
  const asked = path.split("/");
  const found = ROUTES.flatMap((route) => {
    const parts = matched(route.path.split("/"), asked);
    return parts === undefined ? [] : [{ route, parts }];
  });
  const fit = found.find(({ route }) => route.method === method);
  if (fit !== undefined) return fit;
  if (found.length > 0) throw new Refusal(405, "request", `This path takes no ${method}`);
  throw new Refusal(404, "request", "There is no such path");
}

/** The open parts of a path, in order; undefined if it is another path. */
function matched(pattern: readonly string[], asked: readonly string[]): string[] | undefined {
  if (pattern.length !== asked.length) return undefined;
  const isSame = pattern.every((part, at) => part.startsWith(":") || part === asked[at]);
  return isSame ? asked.filter((_, at) => pattern[at]!.startsWith(":")) : undefined;
}

function nothing(): Answer {
  return { status: 404, headers: SAFE_HEADERS };
}

function notAllowed(methods: readonly string[]): Answer {
  return { status: 405, headers: { ...SAFE_HEADERS, Allow: methods.join(", ") } };
}

function reportBug(error: unknown): void {
  remarks.say(
    `pulling-agent: this is a bug: report it with what follows: ${Deno.inspect(error, { colors: false })}`,
  );
}

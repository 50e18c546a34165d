import { isIP } from "node:net";
import type { RequestHead, RequestHeaders } from "../http/request.ts";
import { isLoopback } from "./listen_address.ts";
import { Refusal } from "./refusal.ts";

/**
 * Lets in what the dashboard's own page asks, and what people ask by tools, and not what other pages make a browser ask:
 *
 * - A page of another site may let its name point to this machine, so that the browser takes both for one site (DNS
 *   rebinding). Then `Host` has that name, which is none of those that are served.
 * - A page of another site may send a request here. The browser tells that by `Sec-Fetch-Site`, or by `Origin`. Besides,
 *   a request that changes something has a type that no browser sends to another site unasked.
 */
export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** @throws {Refusal} If the request may be of another page. */
  check({ headers, method, path }: RequestHead): void {
    this.#checkHost(headers.get("host"));
    const { base } = this.#options;
    if (!path.startsWith(`${base}api/`)) return;
    const whyNot = whyNotOfOwnPage(headers, method);
    if (whyNot !== undefined) throw new Refusal(403, "forbidden", whyNot);
    if (method !== "POST") return;
    if (!/^application\/json\s*(?:;|$)/i.test(headers.get("content-type") ?? "")) {
      throw new Refusal(415, "request", "Content-Type must be application/json");
    }
  }

  #checkHost(host: string | undefined): void {
    const [, name] = /^(\[[\da-fA-F:.]+\]|[^:[\]]+)(?::\d+)?$/.exec(host ?? "") ?? [];
    if (name !== undefined && this.#serves(name.toLowerCase())) return;
    throw new Refusal(
      421,
      "forbidden",
      "The dashboard is not served under this name: use localhost, or start it with --host NAME",
    );
  }

  #serves(name: string): boolean {
    const { hosts, isLoopback: isLocal } = this.#options;
    if (hosts.includes(name) || name === "localhost") return true;
    const address = name.replace(/^\[(.*)\]$/, "$1");
    // No name points to it: an address is what it is.
    return isIP(address) !== 0 && (!isLocal || isLoopback(address));
  }
}

/** What a {@linkcode Door} needs. */
export interface DoorOptions {
  /** Begins and ends with a slash. */
  readonly base: string;
  /** Names that it is served under, in lower case, besides `localhost` and addresses. */
  readonly hosts: readonly string[];
  /** Only this machine reaches it. */
  readonly isLoopback: boolean;
}

const OF_ANOTHER_SITE = "A page of another site asks: only the dashboard's own page may";
const OF_ANOTHER_HOST =
  "The page asks under another name than the one in Host: let the proxy in front pass on the Host of the browser";

/** Why a request may not be of the dashboard's own page; undefined if it is, or is of no page. */
function whyNotOfOwnPage(headers: RequestHeaders, method: string): string | undefined {
  const site = headers.get("sec-fetch-site");
  // A browser sends `none` for an address that a person has typed, which makes no POST.
  const allowed = method === "POST" ? ["same-origin"] : ["same-origin", "none"];
  if (site !== undefined && !allowed.includes(site)) return OF_ANOTHER_SITE;
  const origin = headers.get("origin");
  if (origin === undefined) return undefined;
  // A proxy in front may have ended TLS.
  const host = headers.get("host");
  if ([`http://${host}`, `https://${host}`].includes(origin.toLowerCase())) return undefined;
  // The browser itself tells that both are one site: it has asked the proxy for another name.
  return site === "same-origin" ? OF_ANOTHER_HOST : OF_ANOTHER_SITE;
}

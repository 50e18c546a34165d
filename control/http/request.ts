/** A request with all of its head, and as much of its body as was asked for. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: RequestHeaders;
  /** Empty unless bodies are read. */
  readonly body: Uint8Array;
}

/** What is known of a request before its body is read. */
export type RequestHead = Omit<HttpRequest, "body">;

/** The headers of a request. */
export class RequestHeaders {
  readonly #values = new Map<string, string[]>();

  /** Adds a header; `name` in lower case. */
  add(name: string, value: string): void {
    this.#values.set(name, [...this.#values.get(name) ?? [], value]);
  }

  /** The value of a header, by its name in lower case; the first one if there are several. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** How often there is such a header. */
  count(name: string): number {
    return this.#values.get(name)?.length ?? 0;
  }
}

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/;
/** Two of them may mean two things to two programs. */
const ONCE = ["host", "content-length", "content-type", "origin", "sec-fetch-site", "authorization"];

/** Reads the head of a request; undefined if it is none. */
export function requestHead(text: string): RequestHead | undefined {
  const [first = "", ...lines] = text.split(/\r?\n/);
  const [, method, target] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || target === undefined) return undefined;
  const headers = new RequestHeaders();
  for (const line of lines) {
    if (line === "") break;
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.add(name.toLowerCase(), value);
  }
  if (ONCE.some((name) => headers.count(name) > 1)) return undefined;
  // A proxy may name the whole address.
  const [, host, path = "", query = ""] = /^(?:https?:\/\/([^/?]*))?([^?]*)\??(.*)$/i.exec(target) ?? [];
  const named = headers.get("host") ?? host;
  if (host?.toLowerCase() !== (host && named)?.toLowerCase()) return undefined;
  return { method, path, query: new URLSearchParams(query), headers };
}

import { PermanentError } from "../../errors.ts";
import { timeOfDayMs } from "../../lib/builtins.ts";
import { secrets } from "../../text/redact.ts";
import type { ProcessorLog } from "../processor.ts";
import { wholeBody } from "./answer_body.ts";
import { statusProblem } from "./answer_problem.ts";
import { Clients, clientsTrusting } from "./clients.ts";
import type { Endpoint } from "./endpoint.ts";
import { fetchErrorText } from "./fetch_error.ts";
import { headerLines } from "./header_lines.ts";
import { learnProxies, proxyVariable } from "./proxies.ts";
import { PutOff } from "./put_off.ts";
import { ServiceError, StatusError } from "./service_error.ts";
import { Signer } from "./signature.ts";
import { WatchedFile } from "./watched_file.ts";

/** Files that may change while the agent runs. */
interface Files {
  httpCaFile?: string | undefined;
  httpHeadersFile?: string | undefined;
  httpSigningSecretFile?: string | undefined;
}

/** Of each call. */
interface Call {
  readonly signal: AbortSignal;
  readonly log: Pick<ProcessorLog, "warn">;
}

/** At the end, it does not matter that a file has changed. */
const SILENT = { warn() {} };

const NOTHING = new Uint8Array();

/** A service that the agent posts to. Its connections stay open between requests. */
export class Service {
  readonly #endpoint: Endpoint;
  readonly #headers: WatchedFile<readonly [string, string][]> | undefined;
  readonly #signer: WatchedFile<Signer> | undefined;
  readonly #clients: WatchedFile<Clients> | Clients;

  private constructor(
    endpoint: Endpoint,
    headers: WatchedFile<readonly [string, string][]> | undefined,
    signer: WatchedFile<Signer> | undefined,
    clients: WatchedFile<Clients> | Clients,
  ) {
    this.#endpoint = endpoint;
    this.#headers = headers;
    this.#signer = signer;
    this.#clients = clients;
  }

  /**
   * Reads the files, and connects to nothing.
   *
   * @throws {UsageError} If a file cannot be used.
   */
  static async open(endpoint: Endpoint, files: Files): Promise<Service> {
    learnProxies();
    return new Service(
      endpoint,
      await WatchedFile.open(files.httpHeadersFile, { variable: "HTTP_HEADERS_FILE", parse: secretHeaders }),
      await WatchedFile.open(files.httpSigningSecretFile, {
        variable: "HTTP_SIGNING_SECRET_FILE",
        parse: secretSigner,
      }),
      await WatchedFile.open(files.httpCaFile, clientsTrusting("HTTP_CA_FILE")) ?? new Clients(),
    );
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    (await this.#clientsNow(SILENT)).close();
  }

  /**
   * Sends a body; returns what the service answered with a status of 2xx, and nothing if the answer is none that the
   * agent reads. Or that it puts the documents off.
   *
   * @throws {ServiceError} If it cannot be reached, or answers with a status that tells nothing of the documents.
   * @throws {Error} If it answers with another status, or answers half. With `permanent` or `retryAfterMs`, if the
   * answer asks for it.
   * @throws What the signal gives as its reason, once it is aborted.
   */
  async post(
    body: Uint8Array<ArrayBuffer>,
    own: Record<string, string>,
    { signal, log }: Call,
  ): Promise<Uint8Array | PutOff> {
    const response = await this.#send(body, own, { signal, log });
    return await this.#read(response, this.#endpoint.shown).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof TypeError)) throw error;
      throw new StatusError(this.#why("ended its answer too early", error));
    });
  }

  /**
   * Sends a body to a service whose answer tells nothing but its status.
   *
   * @throws As {@linkcode Service.post} does.
   */
  async deliver(
    body: Uint8Array<ArrayBuffer>,
    own: Record<string, string>,
    { signal, log }: Call,
  ): Promise<void> {
    const response = await this.#send(body, own, { signal, log });
    const problem = await statusProblem(response, this.#endpoint).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
    if (problem !== undefined) throw problem;
    await response.body?.cancel();
  }

  async #send(
    body: Uint8Array<ArrayBuffer>,
    own: Record<string, string>,
    { signal, log }: Call,
  ): Promise<Response> {
    const headers = await this.#headersOf(body, own, log);
    const clients = await this.#clientsNow(log);
    const sent = clients.fetch(this.#endpoint.url, {
      method: "POST",
      body,
      headers,
      signal,
      redirect: "manual",
    });
    return await sent.catch((error: unknown) => {
      throw signal.aborted ? signal.reason : new ServiceError(this.#why("cannot be reached", error));
    });
  }

  async #read(response: Response, shown: string): Promise<Uint8Array | PutOff> {
    const problem = await statusProblem(response, this.#endpoint);
    if (problem !== undefined) throw problem;
    const putOff = await PutOff.askedBy(response, shown);
    if (putOff !== undefined) return putOff;
    const bytes = await wholeBody(response);
    return isAnswer(response.headers.get("content-type"), bytes, shown) ? bytes : NOTHING;
  }

  async #clientsNow(log: Pick<ProcessorLog, "warn">): Promise<Clients> {
    return this.#clients instanceof WatchedFile ? await this.#clients.value(log) : this.#clients;
  }

  async #headersOf(
    body: Uint8Array,
    own: Record<string, string>,
    log: Pick<ProcessorLog, "warn">,
  ): Promise<Headers> {
    const headers = new Headers({ accept: "application/json", "user-agent": "pulling-agent" });
    const { authorization } = this.#endpoint;
    if (authorization !== undefined) headers.set("authorization", authorization);
    for (const [name, value] of await this.#headers?.value(log) ?? []) headers.set(name, value);
    const signer = await this.#signer?.value(log);
    const signed = signer?.headers(own["idempotency-key"]!, body, Math.floor(timeOfDayMs() / 1000));
    for (const [name, value] of Object.entries({ ...own, ...signed })) headers.set(name, value);
    return headers;
  }

  /** Why a request failed, without the runtime's words around it, which quote the whole address. */
  #why(what: string, error: unknown): string {
    const { url: { href, protocol }, shown } = this.#endpoint;
    const why = fetchErrorText(error, { href, shown });
    const proxy = proxyVariable(protocol);
    return `${shown} ${what}: ${why}${proxy === undefined ? "" : ` (${proxy} is set)`}`;
  }
}

/**
 * Whether an answer is to be read. Many services answer "OK" as text or as HTML, which means that it is done. But if it
 * looks like JSON, it was meant to be read.
 *
 * @throws {PermanentError} If it looks like JSON and its content-type says otherwise.
 */
function isAnswer(contentType: string | null, bytes: Uint8Array, shown: string): boolean {
  const [type = ""] = (contentType ?? "").toLowerCase().split(/\s*;/, 1);
  if (/[/+]json$/.test(type)) return true;
  const looksLikeJson = /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 64)));
  if (!looksLikeJson || type === "") return looksLikeJson;
  throw new PermanentError(
    `${shown} answered what looks like JSON with the content-type ${JSON.stringify(type.slice(0, 80))}: ` +
      "send it as application/json",
  );
}

function secretHeaders(content: string): [string, string][] {
  const headers = headerLines(content);
  // Of "Bearer TOKEN", the token alone as well.
  secrets.learnValues(
    "HTTP_HEADERS_FILE",
    headers.flatMap(([, value]) => [value, value.replace(/^\w+ +/, "")]),
  );
  return headers;
}

function secretSigner(content: string): Signer {
  const signer = new Signer(content);
  secrets.learnValues("HTTP_SIGNING_SECRET_FILE", signer.secrets);
  return signer;
}

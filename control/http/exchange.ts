import { type HttpRequest, type RequestHead, requestHead } from "./request.ts";

/** What is answered to one request. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out of the answer to a HEAD request, which is told its length all the same. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** How the requests of a server are read and answered. */
export interface Exchange {
  /** The line and the headers of a request, at most, in bytes. */
  readonly maxHeadBytes: number;
  /** Bodies are read up to so many bytes, and larger ones refused; 0 if no request needs one. */
  readonly maxBodyBytes: number;
  /** Refuses a request before its body is read; undefined if it may go on. */
  refusal?(head: RequestHead): Answer | undefined;
  answer(request: HttpRequest): Answer | Promise<Answer>;
  /** The answer to what is no request, or larger than allowed; without it that is a status alone. */
  malformed?(status: MalformedStatus): Answer;
}

/** What is wrong with a request that cannot be read: it is none, has no length, or its body or head is too long. */
export type MalformedStatus = 400 | 411 | 413 | 431;

/** What comes after the request, such as a body, is dropped up to so many bytes, so that its sender reads the answer. */
const MAX_DROPPED_BYTES = 65_536;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const END_OF_HEAD = /\r?\n\r?\n/;
/** The longest end of a head, in bytes. */
const MAX_END = 4;
const NO_BYTES = new Uint8Array();

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/**
 * Answers the one request of a connection. It rejects if the connection fails or is closed meanwhile. The caller closes
 * it.
 *
 * @param onRead is called once all of the request is there
 */
export async function exchange(
  connection: Deno.TcpConn,
  how: Exchange,
  onRead: () => void = () => {},
): Promise<void> {
  const read = await readHead(connection, how.maxHeadBytes);
  if (read === undefined) return;
  const head = read.isWhole ? requestHead(read.text) : undefined;
  const isHead = head?.method === "HEAD";
  await write(connection, await answerTo(connection, how, { ...read, head, onRead }), isHead);
  // If a connection is closed while bytes wait to be read, its other end may lose the answer.
  await connection.closeWrite();
  await drop(connection);
}

/** The begin of a request. */
interface Begun {
  readonly text: string;
  /** The head has an end; otherwise it is too long. */
  readonly isWhole: boolean;
  /** What was read behind the head. */
  readonly rest: Uint8Array;
}

async function answerTo(
  connection: Deno.Conn,
  how: Exchange,
  { head, isWhole, onRead, rest }: Begun & { head: RequestHead | undefined; onRead: () => void },
): Promise<Answer> {
  const malformed = (status: MalformedStatus) => how.malformed?.(status) ?? { status };
  if (!isWhole) return malformed(431);
  if (head === undefined) return malformed(400);
  const refused = how.refusal?.(head);
  if (refused !== undefined) return refused;
  const length = how.maxBodyBytes > 0 ? bodyLength(head) : 0;
  if (length === undefined) return malformed(411);
  if (length > how.maxBodyBytes) return malformed(413);
  if (length > rest.length && head.headers.get("expect")?.toLowerCase() === "100-continue") {
    await writeAll(connection, encoder.encode("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  const body = await readBody(connection, rest, length);
  onRead();
  return await how.answer({ ...head, body });
}

/** The head of a request, or as much as may be read of it; undefined if the other end has closed before. */
async function readHead(connection: Deno.Conn, maxBytes: number): Promise<Begun | undefined> {
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  while (length < buffer.length) {
    const read = await connection.read(buffer.subarray(length));
    if (read === null) return undefined;
    // Only what is new is searched, with what an end may have begun with: a head may come byte by byte.
    const from = Math.max(0, length - MAX_END + 1);
    length += read;
    const end = END_OF_HEAD.exec(decoder.decode(buffer.subarray(from, length)));
    if (end === null) continue;
    // Each character is a byte.
    const behind = from + end.index + end[0].length;
    const text = decoder.decode(buffer.subarray(0, behind));
    return { text, isWhole: true, rest: buffer.subarray(behind, length) };
  }
  return { text: "", isWhole: false, rest: NO_BYTES };
}

/** The length of a body in bytes, as its sender reports it; undefined if it does not, or not in plain digits. */
function bodyLength({ headers, method }: RequestHead): number | undefined {
  if (headers.get("transfer-encoding") !== undefined) return undefined;
  const length = headers.get("content-length");
  if (length === undefined) return method === "POST" ? undefined : 0;
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** Rejects if the other end closes before all is there. */
async function readBody(connection: Deno.Conn, begin: Uint8Array, length: number): Promise<Uint8Array> {
  const body = new Uint8Array(length);
  body.set(begin.subarray(0, length));
  for (let done = Math.min(begin.length, length); done < length;) {
    const read = await connection.read(body.subarray(done));
    if (read === null) throw new Deno.errors.UnexpectedEof("The request ended within its body");
    done += read;
  }
  return body;
}

async function write(
  connection: Deno.Conn,
  { body = "", headers = {}, status }: Answer,
  isHead = false,
): Promise<void> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const lines = Object.entries({ ...headers, "Content-Length": String(bytes.length), Connection: "close" })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  await writeAll(
    connection,
    encoder.encode(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join("")}\r\n`),
  );
  if (!isHead) await writeAll(connection, bytes);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

async function drop(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let dropped = 0; dropped < MAX_DROPPED_BYTES;) {
    const read = await connection.read(buffer);
    if (read === null) return;
    dropped += read;
  }
}

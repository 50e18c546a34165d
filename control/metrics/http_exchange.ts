/** What is answered to one request. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out of the answer to a HEAD request, which is told its length all the same. */
  readonly body?: string;
}

/** The line and the headers of a request, at most, in bytes: a scraper needs a tenth of it. */
const MAX_HEAD_BYTES = 8192;
/** What comes after the head, such as a body, is dropped up to so many bytes, so that its sender reads the answer. */
const MAX_DROPPED_BYTES = 65_536;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  431: "Request Header Fields Too Large",
};

const END_OF_HEAD = /\r?\n\r?\n/;

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/**
 * Answers the one request of a connection. It rejects if the connection fails or is closed meanwhile. The caller closes
 * it.
 */
export async function exchange(
  connection: Deno.TcpConn,
  answer: (method: string, target: string) => Answer,
): Promise<void> {
  const head = await readHead(connection);
  if (head === undefined) return;
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r?\n/.exec(head) ?? [];
  if (!END_OF_HEAD.test(head)) await write(connection, { status: 431 });
  else if (method === undefined || target === undefined) await write(connection, { status: 400 });
  else await write(connection, answer(method, target), method === "HEAD");
  // If a connection is closed while bytes wait to be read, its other end may lose the answer.
  await connection.closeWrite();
  await drop(connection);
}

/** The request with its head, or as much as may be read of it; undefined if the other end has closed before. */
async function readHead(connection: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(MAX_HEAD_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const read = await connection.read(buffer.subarray(length));
    if (read === null) return undefined;
    length += read;
    const head = decoder.decode(buffer.subarray(0, length));
    if (END_OF_HEAD.test(head)) return head;
  }
  return decoder.decode(buffer);
}

async function write(
  connection: Deno.Conn,
  { body = "", headers = {}, status }: Answer,
  isHead = false,
): Promise<void> {
  const bytes = encoder.encode(body);
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

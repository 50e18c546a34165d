import { httpProcessor } from "../../../agent/processors/http/http_processor.ts";
import { closed, RawService } from "../../support/http_service.ts";
import { InProcessAgent } from "../../support/in_process_agent.ts";
import { testDatabase } from "../../support/mongod.ts";
import { integerFrom, pick } from "../../support/random.ts";
import { jobs, openStore } from "../../support/store.ts";
import { type AnswerText, type Meaning, randomAnswerText } from "../answers.ts";
import type { Area, Trials, Verdict } from "../area.ts";
import { brokenAfter } from "../outcomes.ts";

/** How a service answers for one document. */
interface Answer {
  status: number;
  /** The value of the header content-type; undefined for none. */
  type: string | undefined;
  headers: string[];
  body: AnswerText;
  framing: "length" | "chunks" | "close";
  /** What goes wrong with it. */
  fault: "none" | "silence" | "cut" | "more" | "reset";
  /** Sizes of the pieces that it is sent in, over and over, and the pause after each in milliseconds. */
  pieces: number[];
  pauseMs: number;
  /** Where it is cut, as a part of its length. */
  cutAt: number;
}

interface Services {
  answers: Answer[];
  batch: boolean;
}

const MAX_ATTEMPTS = 2;
const PROCESS_TIMEOUT_MS = 2000;
const STATUSES = [
  ...[
    200,
    200,
    200,
    200,
    200,
    200,
    201,
    202,
    204,
    206,
    226,
    299,
    300,
    301,
    304,
    307,
    400,
    401,
    403,
    404,
    408,
  ],
  ...[409, 410, 413, 418, 422, 425, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599, 600, 799, 999],
];
const TYPES = [
  ...[
    "application/json",
    "application/json",
    "application/json",
    "APPLICATION/JSON; charset=utf-8",
    "application/x+json",
  ],
  ...["text/plain", "text/html; charset=utf-8", "application/octet-stream", "json", ";", "\u00e9", undefined],
];
const HEADERS = [
  ...["retry-after: 0", "retry-after: soon", "retry-after: -1", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"],
  ...["location: /", "location: http://user:word@127.0.0.1:1/", "location: \u00e9", "connection: close"],
  ...[
    "connection: keep-alive",
    "x-long: " + "y".repeat(3000),
    "set-cookie: a=b",
    "date: never",
    "link: <x>",
    "trailer: x",
  ],
];

/** Answers of services, over real connections: each document ends as its answer says. */
export class ServicesArea implements Area<Services> {
  readonly name = "services";

  generate(random: () => number): Services {
    const answers = Array.from(
      { length: integerFrom(random, 1, 12) },
      (_, number) => randomAnswer(random, number),
    );
    return { answers, batch: random() < 0.2 };
  }

  size({ answers }: Services): number {
    return answers.length;
  }

  /** Others in the place of some: a body names its document by its place. */
  *smaller(input: Services): Iterable<Services> {
    for (const [at, answer] of input.answers.entries()) {
      if (answer !== PLAIN) yield { ...input, answers: input.answers.toSpliced(at, 1, PLAIN) };
    }
    if (input.answers.at(-1) === PLAIN && input.answers.length > 1) {
      yield { ...input, answers: input.answers.slice(0, -1) };
    }
  }

  show({ answers, batch }: Services): string {
    return [`batch: ${batch}`, ...answers.map((answer) => JSON.stringify(answer).slice(0, 500))].join("\n");
  }

  open(): Promise<Trials<Services>> {
    return Promise.resolve({ attempt, async [Symbol.asyncDispose]() {} });
  }
}

const PLAIN: Answer = {
  ...{ status: 200, type: undefined, headers: [], body: { text: "", meaning: "done" }, framing: "length" },
  ...{ fault: "none", pieces: [1000], pauseMs: 0, cutAt: 1 },
};

function randomAnswer(random: () => number, number: number): Answer {
  return {
    status: pick(random, STATUSES),
    type: pick(random, TYPES),
    headers: Array.from({ length: integerFrom(random, 0, 2) }, () => pick(random, HEADERS)),
    body: random() < 0.1 ? { text: "", meaning: "done" } : randomAnswerText(random, number),
    framing: pick(random, ["length", "length", "chunks", "close"] as const),
    fault: random() < 0.02
      ? "silence"
      : pick(random, ["none", "none", "none", "none", "cut", "more", "reset"] as const),
    pieces: Array.from({ length: integerFrom(random, 1, 3) }, () => integerFrom(random, 1, 2000)),
    pauseMs: pick(random, [0, 0, 0, 1]),
    cutAt: random(),
  };
}

/** What an answer means by the documentation. */
function meaningOf({ status, type, body, fault, headers, framing }: Answer): Meaning {
  if (fault === "silence" || fault === "reset") return "fail";
  // What is left may be an answer, too; and bytes beside an answer may look like its part.
  if (fault === "cut" || (fault === "more" && framing !== "length")) return "any";
  if (status < 200 || status >= 300) return "fail";
  if (status === 204) return "done";
  if (status === 202 && headers.some((header) => /^retry-after/i.test(header))) return "any";
  if (/[/+]json *(;|$)/i.test(type ?? "")) return body.meaning;
  if (!/^\s*[[{]/.test(body.text)) return "done";
  return type === undefined ? body.meaning : "any";
}

async function attempt({ answers, batch }: Services): Promise<Verdict> {
  await using database = await testDatabase("fuzz services");
  await using store = openStore(database, { maxAttempts: MAX_ATTEMPTS });
  await jobs(database).insertMany(answers.map((_, _id) => ({ _id, status: "pending" })));
  const requests = new Map<number, number>();
  using service = new RawService(async (connection, request) => {
    const asked = JSON.parse(request.slice(request.indexOf("\r\n\r\n")));
    const documents: { _id: number }[] = batch ? asked : [asked];
    for (const { _id } of documents) requests.set(_id, (requests.get(_id) ?? 0) + 1);
    const putsOff = /^x-snoozes: 0\r?$/im.test(request);
    await send(
      connection,
      batch ? inOne(documents.map(({ _id }) => answers[_id]!)) : answers[documents[0]!._id]!,
      putsOff,
    );
  });
  const settings = {
    mongodbDatabase: "db",
    mongodbCollection: "c",
    processorBatch: batch,
    processTimeoutMs: PROCESS_TIMEOUT_MS,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
  };
  const processing = await httpProcessor(service.url, settings);
  await using agent = new InProcessAgent(store, processing, {
    ...{ maxAttempts: MAX_ATTEMPTS, batchSize: 10, retryBackoffMs: 1, retryBackoffMaxMs: 1 },
    processTimeoutMs: PROCESS_TIMEOUT_MS,
  });
  const meanings = answers.map((answer) => batch ? entryOf(answer).meaning : meaningOf(answer));
  const broken = await brokenAfter(agent, database, { meanings, maxAttempts: MAX_ATTEMPTS });
  for (const [id, count] of requests) {
    // Each run may send its request twice; a snooze is a run as well.
    if (count > 2 * MAX_ATTEMPTS + 2) broken.push(`A document was sent ${count} times (${id})`);
  }
  const events = agent.seen.map((event) => Deno.inspect(event, { breakLength: Infinity }));
  return { broken, evidence: events.slice(-20).join("\n") };
}

/** A number that no field can hold makes an answer unreadable, all of it. */
const TOO_LONG = /\d{20}/;

/** The answer to a batch: an array of those bodies that are JSON. */
function inOne(answers: readonly Answer[]): Answer {
  const text = `[${answers.map((answer) => entryOf(answer).text).join(",")}]`;
  return {
    ...answers[0]!,
    status: 200,
    type: "application/json",
    fault: "none",
    headers: [],
    body: { text, meaning: "any" },
  };
}

function entryOf({ body }: Answer): AnswerText {
  try {
    JSON.parse(body.text);
    if (!TOO_LONG.test(body.text)) return body;
  } catch {
    // None of its own.
  }
  return { text: "null", meaning: "done" };
}

async function send(connection: Deno.Conn, answer: Answer, putsOff: boolean): Promise<void> {
  const { fault, cutAt, pieces, pauseMs } = answer;
  if (fault === "silence") return await closed(connection);
  if (fault === "reset") return;
  const all = bytesOf(
    putsOff ? answer : { ...answer, headers: answer.headers.filter((each) => !/^retry-after/i.test(each)) },
  );
  const bytes = fault === "cut" ? all.subarray(0, Math.floor(all.length * cutAt)) : all;
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    at += await connection.write(bytes.subarray(at, at + pieces[piece % pieces.length]!));
    if (pauseMs > 0 && piece < 50) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function bytesOf({ status, type, headers, body, framing, fault }: Answer): Uint8Array {
  const encoder = new TextEncoder();
  const { length } = encoder.encode(body.text);
  const lines = [
    `HTTP/1.1 ${status} Odd`,
    ...type === undefined ? [] : [`content-type: ${type}`],
    ...headers,
  ];
  if (framing === "length") lines.push(`content-length: ${length}`);
  if (framing === "chunks") lines.push("transfer-encoding: chunked");
  const framed = framing === "chunks" && length > 0
    ? `${length.toString(16)}\r\n${body.text}\r\n0\r\n\r\n`
    : framing === "chunks"
    ? "0\r\n\r\n"
    : body.text;
  return encoder.encode(
    `${lines.join("\r\n")}\r\n\r\n${framed}${fault === "more" ? "{}HTTP/1.1 200 OK\r\n\r\n" : ""}`,
  );
}

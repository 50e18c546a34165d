import { PermanentError } from "../../errors.ts";
import type { Document, EffectWrite } from "../../ports.ts";
import { isPlain } from "../exact_copy.ts";
import { kindOf } from "../kind_of.ts";
import type { ProcessorResult } from "../processor.ts";

/** A failure that a processor answered with. It is settled as an error that a module throws. */
class AnsweredError extends Error {
  override readonly name = "AnsweredError";
  readonly permanent: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    { permanent = false, retryAfterMs }: Pick<Fields, "permanent" | "retryAfterMs">,
  ) {
    super(message);
    this.permanent = permanent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What an answer may have. */
interface Fields {
  ok?: boolean;
  set?: Document;
  writes?: EffectWrite[];
  snoozeMs?: number;
  error?: string | Document;
  message?: string;
  permanent?: boolean;
  retryAfterMs?: number;
}

/** Each field of an answer: what it must be, and whether a value is that. */
const SCHEMA: Record<keyof Fields, { must: string; is(value: unknown): boolean }> = {
  ok: { must: "true or false", is: isBoolean },
  set: { must: "an object of fields", is: isObject },
  writes: { must: 'an array of writes as {"collection": "...", "insertOne": {...}}', is: Array.isArray },
  snoozeMs: { must: "a number of milliseconds, 0 or more", is: (value) => isDelay(value) },
  error: { must: "a text, or an object with a message", is: (value) => isText(value) || isObject(value) },
  message: { must: "a text", is: isText },
  permanent: { must: "true or false", is: isBoolean },
  retryAfterMs: { must: "a number of milliseconds, 0 or more", is: (value) => isDelay(value) },
};

/** Fields of an answer that is no failure. */
const OF_RESULTS = ["set", "writes", "snoozeMs"] as const;

/** Fields of an answer that is a failure. */
const OF_FAILURES = ["error", "message", "permanent", "retryAfterMs"] as const;

/** Unknown fields that a message names, at most. */
const MAX_NAMES = 5;

/**
 * The result that a value of an answer is. Nothing (null, undefined), `{}` and `{ "ok": true }` mean done; `{ "set":
 * {...} }` names fields to be written with the ack, and `{ "snoozeMs": 60000 }` puts the document off. `{ "message":
 * "...", "permanent"?, "retryAfterMs"? }` is a failure, and so is `{ "ok": false, "error": "..." }`. A field that is null counts as absent.
 *
 * @throws {AnsweredError} The failure that the answer is.
 * @throws {PermanentError} If the value is no answer; the message names the field.
 */
export function answeredResult(value: unknown): ProcessorResult {
  const fields = fieldsOf(value, "");
  const said = OF_FAILURES.filter((name) => fields[name] !== undefined);
  const { ok, set, writes, snoozeMs } = fields;
  if (ok !== false && said.length === 0) return within({ set, writes, snoozeMs });
  const wanted = OF_RESULTS.find((name) => fields[name] !== undefined);
  if (ok === true || wanted !== undefined) {
    const [one, other] = wanted !== undefined ? [wanted, said[0] ?? "ok"] : ["ok", said[0]];
    throw refusal(
      `"${one}" beside "${other}" says both that it ${
        one === "snoozeMs" ? "is put off" : "is done"
      } and that it failed: write one of them`,
    );
  }
  throw failureOf(fields);
}

function failureOf({ error, message, permanent, retryAfterMs }: Fields): AnsweredError {
  if (typeof error !== "object") {
    const text = error || message || "The processor says that it failed, and not why";
    return new AnsweredError(text, within({ permanent, retryAfterMs }));
  }
  const inner = fieldsOf(error, "error.");
  if (OF_RESULTS.some((name) => inner[name] !== undefined) || typeof inner.error === "object") {
    throw refusal(`the field "error" must be ${SCHEMA.error.must}`);
  }
  const { permanent: isPermanent = permanent, retryAfterMs: delayMs = retryAfterMs } = inner;
  const text = inner.error ?? inner.message ?? message;
  return failureOf(within({ message: text, permanent: isPermanent, retryAfterMs: delayMs }));
}

function fieldsOf(value: unknown, place: string): Fields {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) {
    throw refusal(`it must be an object as {"set": {...}}, or nothing, not ${kindOf(value)}`);
  }
  const fields: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [name, each] of Object.entries(value as object)) {
    if (!Object.hasOwn(SCHEMA, name)) {
      unknown.push(name);
      continue;
    }
    if (each === null) continue;
    const { must, is } = SCHEMA[name as keyof Fields];
    if (!is(each)) throw refusal(`the field "${place}${name}" must be ${must}, not ${shownOf(name, each)}`);
    fields[name] = typeof each === "bigint" ? Number(each) : each;
  }
  refuse(unknown, place);
  return fields;
}

/** What a value is instead. Of a time that cannot be used it is the number itself. */
function shownOf(name: string, value: unknown): string {
  const isTime = name === "snoozeMs" || name === "retryAfterMs";
  return isTime && ["number", "bigint"].includes(typeof value) ? String(value) : kindOf(value);
}

function refuse(unknown: readonly string[], place: string): void {
  if (unknown.length === 0) return;
  const names = unknown.slice(0, MAX_NAMES).map((name) => JSON.stringify(`${place}${name.slice(0, 80)}`));
  throw refusal(
    `it has ${
      names.join(", ")
    }, which means nothing to the agent: write fields of the document under "set", ` +
      `writes to others under "writes", a failure as {"message": "..."}`,
  );
}

function refusal(why: string): PermanentError {
  return new PermanentError(`The answer cannot be used: ${why}`);
}

/** Without the fields that are undefined. */
function within<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value);
}

function isDelay(value: unknown): boolean {
  const ms = typeof value === "bigint" ? Number(value) : value;
  return typeof ms === "number" && Number.isFinite(ms) && ms >= 0;
}

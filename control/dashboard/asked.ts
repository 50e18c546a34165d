import { shortened } from "../../agent/text/shortened.ts";
import type { HttpRequest } from "../http/request.ts";
import type { ActionAsk, ConfirmAsk, DocumentAsk, FleetAsk, LettersAsk, LoginAsk } from "./api.ts";
import { badRequest } from "./refusal.ts";

/** A text of a request is at most so long, in UTF-16 units. */
const MAX_TEXT = 500;
/** Letters that are named one by one, at most. */
const MAX_KEYS = 1000;
/** Letters a second, at most. */
const MAX_RATE = 1_000_000;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Who acts, and why. */
export type Actor = Readonly<ActionAsk>;

/** The letters that a request names: those of a group, of no group, under keys, or all. */
export interface MeantLetters {
  readonly pattern?: string;
  readonly areOthers?: true;
  readonly keys?: readonly string[];
  /** For people. */
  readonly what: string;
}

/** What a body may hold. */
type Field = keyof (ConfirmAsk & DocumentAsk & FleetAsk & LettersAsk & LoginAsk);

/** What a request asks for, read with suspicion. Its methods throw a {@linkcode Refusal} that names what is wrong. */
export class Asked {
  /** The parts of the path that its route leaves open. */
  readonly parts: readonly string[];
  readonly #query: URLSearchParams;
  readonly #body: Readonly<Partial<Record<Field, unknown>>>;

  constructor({ body, method, query }: HttpRequest, parts: readonly string[]) {
    this.parts = parts;
    this.#query = query;
    this.#body = method === "POST" ? objectIn(body) : {};
  }

  /** A parameter of the address; undefined if it is not there. */
  parameter(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  /** A text of the body. */
  text(name: Field, most = MAX_TEXT): string {
    const value = this.#body[name];
    if (typeof value !== "string" || value.trim() === "") throw badRequest(`${name} is missing: give a text`);
    if (value.length > most) throw badRequest(`${name} has more than ${most} characters: shorten it`);
    return value;
  }

  /** Who acts, and why. */
  actor(): Actor {
    return { by: this.text("by").trim(), reason: this.text("reason").trim() };
  }

  /** The same for one document. */
  key(): string {
    return this.text("key", Infinity);
  }

  /** A whole number of the body; undefined if it is not there. */
  count(name: Field, least: number, most: number): number | undefined {
    const value = this.#body[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw badRequest(`${name} must be a whole number from ${least} to ${most}`);
    }
    return value as number;
  }

  /** Letters a second; undefined for any number. */
  rate(): number | undefined {
    return this.count("rate", 1, MAX_RATE);
  }

  /** Which letters are meant: exactly one way to name them. */
  letters(): MeantLetters {
    const { all, keys, others, pattern } = this.#body;
    const given = [all, keys, others, pattern].filter((value) => value !== undefined && value !== null);
    if (given.length !== 1) throw badRequest("Name the letters in one way: by pattern, keys, others or all");
    if (all === true) return { what: "all letters" };
    if (others === true) return { areOthers: true, what: "all other errors" };
    if (typeof pattern === "string") return { pattern, what: `the error ${shortened(pattern, MAX_TEXT)}` };
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
      throw badRequest("all or others must be true, pattern a text, or keys a list of texts");
    }
    if (keys.length === 0 || keys.length > MAX_KEYS) {
      throw badRequest(`keys must name 1 to ${MAX_KEYS} letters`);
    }
    const listed = shortened(keys.join(", "), MAX_TEXT);
    return { keys, what: keys.length === 1 ? `the letter ${listed}` : `${keys.length} letters: ${listed}` };
  }
}

function objectIn(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch {
    throw badRequest("The body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest("The body must be an object in JSON");
  }
  return value as Record<string, unknown>;
}

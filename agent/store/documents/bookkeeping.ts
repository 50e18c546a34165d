import { validDate } from "../../lib/valid_date.ts";
import { BSON, type Document } from "mongodb";
import { DOCUMENT_TYPE, documentOf, elementNamed, elementsNamed, type RawElement } from "./bson_elements.ts";

/** The agent's bookkeeping on a document, as far as a holder needs it. The types hold for any stored value. */
export interface Bookkeeping {
  /** Handler runs that count; undefined if the field holds no number. */
  attempts?: number | undefined;
  /** Starts of its handler with nothing else in flight, as a suspect. */
  alone?: number | undefined;
  /** Leases on it that have run out since an outcome was written; undefined if the field holds no number. */
  takeovers?: number | undefined;
  /** How often it was put off; undefined if the field holds no number. */
  snoozes?: number | undefined;
  /** What an earlier run has saved; undefined if the field holds no embedded document. */
  saved?: RawElement | undefined;
  /** When a verdict was written; undefined if the field holds no date that an agent can have written. */
  dead_at?: Date | undefined;
}

const { NumberUtils } = BSON.onDemand;

/**
 * The count of runs that stands for a broken one, such as NaN or a number far below zero: such a count never reaches
 * `MAX_ATTEMPTS`, and the document must come to an end.
 */
const COUNTLESS = Number.MAX_SAFE_INTEGER;

const [DOUBLE, DATE, INT32, INT64, DECIMAL] = [0x01, 0x09, 0x10, 0x12, 0x13];
const NUMBER_TYPES = new Set([DOUBLE, INT32, INT64, DECIMAL]);

const READ = ["attempts", "alone", "dead_at", "takeovers", "snoozes", "saved"] as const;
const COUNTERS = ["attempts", "alone", "takeovers"] as const;

/**
 * Reads the `_pull` of a document. Users may write there, too, and a name may occur twice: each value is read by
 * itself, and of two the first counts, as it does for the server. Undefined if there is no `_pull`. Never throws.
 */
export function bookkeepingOf(document: Uint8Array): Bookkeeping | undefined {
  const pull = elementNamed(document, "_pull");
  if (!pull) return undefined;
  if (pull.type !== DOCUMENT_TYPE) return {};
  const [attemptsElement, aloneElement, deadAt, takeovers, snoozes, saved] = elementsNamed(
    document,
    READ,
    pull.offset,
  );
  const [attempts, alone] = [numberOf(attemptsElement), numberOf(aloneElement)];
  return {
    attempts: attempts === undefined || isCount(attempts) ? attempts : COUNTLESS,
    // The next start alone writes the count anew.
    alone: alone !== undefined && alone >= 0 ? alone : undefined,
    dead_at: dateOf(deadAt),
    takeovers: numberOf(takeovers),
    snoozes: numberOf(snoozes),
    saved: saved?.type === DOCUMENT_TYPE ? saved : undefined,
  };
}

/** When a document is due again; undefined if the field holds no date, or there is none. Never throws. */
export function visibleAt(document: Uint8Array): Date | undefined {
  const pull = elementNamed(document, "_pull");
  return pull?.type === DOCUMENT_TYPE
    ? dateOf(elementsNamed(document, ["visible_at"], pull.offset)[0])
    : undefined;
}

/** Whether an agent can have counted so far. */
function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** The counters of a document that hold no number, by name: nothing can be added to them. */
export function brokenCounters(document: Uint8Array): string[] {
  const pull = elementNamed(document, "_pull");
  if (pull?.type !== DOCUMENT_TYPE) return [];
  const elements = elementsNamed(document, COUNTERS, pull.offset);
  return COUNTERS.filter((_, at) => elements[at] && !NUMBER_TYPES.has(elements[at].type));
}

/** A filter for the counters as they stand on a document, digit for digit; for a document without broken ones. */
export function exactCounters(document: Uint8Array): Document {
  const pull = elementNamed(document, "_pull");
  const names = ["attempts", "alone"] as const;
  const elements = pull?.type === DOCUMENT_TYPE ? elementsNamed(document, names, pull.offset) : [];
  return Object.fromEntries(names.map((name, at) => {
    const value = elements[at] &&
      BSON.deserialize(documentOf(elements[at].whole), { promoteValues: false })[name];
    return [`_pull.${name}`, { $eq: value ?? null }];
  }));
}

function numberOf(element: RawElement | undefined): number | undefined {
  switch (element?.type) {
    case INT32:
      return NumberUtils.getInt32LE(element.bytes, element.offset);
    case DOUBLE:
      return NumberUtils.getFloat64LE(element.bytes, element.offset);
    case INT64:
      return int64(element);
    case DECIMAL:
      return Number(Object.values(BSON.deserialize(documentOf(element.whole)))[0]);
    default:
      return undefined;
  }
}

/** Also undefined for a date that JavaScript cannot hold: no agent wrote it, and none could name it. */
function dateOf(element: RawElement | undefined): Date | undefined {
  if (element?.type !== DATE) return undefined;
  return validDate(new Date(int64(element)));
}

function int64({ bytes, offset }: RawElement): number {
  return Number(NumberUtils.getBigInt64LE(bytes, offset));
}

import { BSON, type Collection, type Document } from "mongodb";
import { DOCUMENT_TYPE, elementNamed, elementsNamed } from "../documents/bson_elements.ts";
import { brokenCounters } from "../documents/bookkeeping.ts";
import { isSuspectKind, isTakeover, type Kind, type SuspectKind } from "../queries.ts";
import type { FoundDocument } from "./found_document.ts";
import type { StoreServer } from "../server/store_server.ts";
import { type UniqueIndexWait, uniqueIndexWait } from "./unique_index.ts";

/** Why MongoDB would refuse to write a claim on a document. */
export type WriteProblem =
  | { readonly what: "counter"; readonly field: string; readonly isFull: boolean }
  | { readonly what: "too_large"; readonly bytes: number }
  | { readonly what: "validator"; readonly validator: Document }
  | ({ readonly what: "unique_index" } & UniqueIndexWait);

/** The size of a document, at most, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const INT64 = 0x12;
const MAX_INT64 = 2n ** 63n - 1n;

/** Finds out whether MongoDB would refuse the write of a claim, as far as reading can tell. */
export class WriteProblems {
  readonly #options: WriteProblemsOptions;

  constructor(options: WriteProblemsOptions) {
    this.#options = options;
  }

  /** Undefined if nothing is known against it. Throws what the driver throws if the database is out of reach. */
  async of(found: FoundDocument, kind: Kind | SuspectKind): Promise<WriteProblem | undefined> {
    const { bytes } = found.raw;
    return brokenCounter(bytes, kind) ?? this.#tooLarge(bytes, kind) ?? await this.#refused(found, kind);
  }

  /** The server counts the bytes of the document as the claim leaves it. */
  #tooLarge(bytes: Uint8Array, kind: Kind | SuspectKind): WriteProblem | undefined {
    const counter = counterOf(kind);
    const { owner } = this.#options;
    const written = { token: crypto.randomUUID(), owner, visible_at: new Date(0), [counter]: 1 };
    const pull = elementNamed(bytes, "_pull");
    const there = pull === undefined ? [] : elementsNamed(bytes, Object.keys(written), pull.offset);
    const replaced = [elementNamed(bytes, "status"), ...there];
    const removedBytes = replaced.reduce((sum, element) => sum + (element?.whole.length ?? 0), 0);
    const addedBytes = sizeOf({ status: "processing" }) + sizeOf(written) +
      (pull === undefined ? EMPTY_PULL_BYTES : 0);
    const claimedBytes = bytes.length - removedBytes + addedBytes;
    return claimedBytes > MAX_BYTES ? { what: "too_large", bytes: bytes.length } : undefined;
  }

  async #refused(found: FoundDocument, kind: Kind | SuspectKind): Promise<WriteProblem | undefined> {
    const { collection, describe, maxTimeMS } = this.#options;
    const claimed: Document[] = [{ $match: found.selector }, { $set: this.#written(kind) }];
    const options = await describe();
    if (options?.validator && options.validationAction !== "warn" && options.validationLevel !== "off") {
      const refused = async (stages: Document[]) => {
        const some = await collection.aggregate([...stages, { $match: { $nor: [options.validator] } }, {
          $project: { _id: 1 },
        }], { maxTimeMS, raw: true }).toArray();
        return some.length > 0;
      };
      const isChecked = options.validationLevel !== "moderate" || !await refused(claimed.slice(0, 1));
      if (isChecked && await refused(claimed)) return { what: "validator", validator: options.validator };
    }
    const wait = await uniqueIndexWait(found, claimed, this.#options);
    return wait && { what: "unique_index", ...wait };
  }

  /** What a claim writes, for the server to put it into a copy of the document. */
  #written(kind: Kind | SuspectKind): Document {
    const more = (field: string) => ({ $add: [{ $ifNull: [`$_pull.${field}`, 0] }, 1] });
    const counter = counterOf(kind);
    return {
      status: "processing",
      "_pull.token": crypto.randomUUID(),
      "_pull.owner": { $literal: this.#options.owner },
      "_pull.visible_at": this.#options.server.time,
      [`_pull.${counter}`]: more(counter),
    };
  }
}

/** What a claim of a document counts; that of a suspect may count both. */
function counterOf(kind: Kind | SuspectKind): "attempts" | "takeovers" {
  return isTakeover(kind) ? "takeovers" : "attempts";
}

/** A counter to which the claim cannot add 1; for suspects, any counter that is not a number. */
function brokenCounter(bytes: Uint8Array, kind: Kind | SuspectKind): WriteProblem | undefined {
  const isSuspect = isSuspectKind(kind);
  const counted = counterOf(kind);
  const broken = brokenCounters(bytes).filter((name) => isSuspect || name === counted)[0];
  if (broken !== undefined) return { what: "counter", field: broken, isFull: false };
  const pull = elementNamed(bytes, "_pull");
  if (pull?.type !== DOCUMENT_TYPE) return undefined;
  const added = isSuspect ? ["attempts", "takeovers"] : [counted];
  const elements = elementsNamed(bytes, added, pull.offset);
  const full = added.find((_, at) => {
    const element = elements[at];
    return element?.type === INT64 &&
      BSON.onDemand.NumberUtils.getBigInt64LE(element.bytes, element.offset) === MAX_INT64;
  });
  return full === undefined ? undefined : { what: "counter", field: full, isFull: true };
}

/** The bytes of the elements of a document. */
function sizeOf(document: Document): number {
  return BSON.calculateObjectSize(document) - BSON.calculateObjectSize({});
}

const EMPTY_PULL_BYTES = sizeOf({ _pull: {} });

/** What {@linkcode WriteProblems} need. */
export interface WriteProblemsOptions {
  collection: Collection;
  server: StoreServer;
  /** The name that a claim writes. */
  owner: string;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The options of the collection; undefined if the agent has no right to see them. */
  describe(): Promise<Document | undefined>;
}

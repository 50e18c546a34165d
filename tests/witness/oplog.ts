import { BSON, type Document } from "bson";

/** A write on one document, as the server's oplog has it. */
export interface Write {
  readonly kind: "insert" | "update" | "delete";
  readonly namespace: string;
  readonly id: unknown;
  /** The document of an insert, or what an update changes. */
  readonly o: Document;
  /** The server's clock when it was written, in milliseconds since 1970. */
  readonly wall: number;
  /** The session that wrote it; one session belongs to one process. */
  readonly session: string | undefined;
  /** The writes of one transaction have the same; undefined outside of transactions. */
  readonly transaction: string | undefined;
  /** Its place, for people. */
  readonly at: string;
}

/** Takes the entries of an oplog apart: an `applyOps` holds many writes, and a long transaction has many entries. */
export class OplogReader {
  readonly #open = new Map<string, Write[]>();

  /** The writes that an entry makes; those of a transaction come together, with its last entry. */
  writesOf(entry: Document): Write[] {
    const session: string | undefined = entry.lsid && entry.lsid.id.toString("hex");
    const at = `${entry.ts.high}.${entry.ts.low}`;
    const context = { wall: entry.wall.getTime(), session, at };
    if (entry.op !== "c") return writeOf(entry, { ...context, transaction: undefined });
    const operations: Document[] | undefined = entry.o.applyOps;
    if (operations === undefined) return [];
    // A multi-document write outside of a transaction may be grouped, too.
    const isTransaction = entry.txnNumber !== undefined && !entry.multiOpType;
    const transaction = isTransaction ? `${session}/${entry.txnNumber}` : undefined;
    const writes = operations.flatMap((each) => writeOf(each, { ...context, transaction }));
    if (transaction === undefined) return writes;
    const all = [...this.#open.get(transaction) ?? [], ...writes];
    this.#open.delete(transaction);
    if (!entry.o.partialTxn) return all;
    this.#open.set(transaction, all);
    return [];
  }
}

const KINDS: Record<string, Write["kind"] | undefined> = { i: "insert", u: "update", d: "delete" };

function writeOf(
  { op, ns, o, o2 }: Document,
  context: Pick<Write, "wall" | "session" | "transaction" | "at">,
): Write[] {
  const kind = KINDS[op];
  return kind ? [{ kind, namespace: ns, id: kind === "update" ? o2._id : o._id, o, ...context }] : [];
}

/** What a document is after an update, as far as `fields` go: the update is a replacement, a diff or modifiers. */
export function updated(before: Document, o: Document): Document {
  if (o.diff !== undefined) return patched(before, o.diff) as Document;
  if (o.$set === undefined && o.$unset === undefined) return o.$v === undefined ? o : before;
  const after = structuredCopy(before);
  for (const [path, value] of Object.entries(o.$set ?? {})) setAt(after, path.split("."), value);
  for (const path of Object.keys(o.$unset ?? {})) setAt(after, path.split("."), undefined);
  return after;
}

/** The fields that an update sets or removes; none is known of a replacement. */
export function touched({ $set = {}, $unset = {}, diff = {} }: Document): Set<string> {
  const { d = {}, i = {}, u = {}, ...others } = diff;
  const inside = Object.keys(others).map((name) => name.slice(1));
  const all = [$set, $unset, d, i, u].flatMap((each) => Object.keys(each));
  return new Set([...all.map((path) => path.split(".")[0]!), ...inside]);
}

/** Applies a diff of the second version: `d` removes, `u` and `i` set, `s` and a name goes into what is there. */
function patched(before: unknown, diff: Document): unknown {
  const isArray = diff.a === true;
  const after = (isArray ? [...before as unknown[] ?? []] : { ...before as Document }) as Document;
  for (const [name, value] of Object.entries(diff)) {
    if (isArray) {
      if (name === "l") after.length = Number(value);
      else if (name[0] === "u") after[name.slice(1)] = value;
      else if (name[0] === "s") after[name.slice(1)] = patched(after[name.slice(1)], value as Document);
    } else if (name === "d") { for (const field of Object.keys(value as Document)) delete after[field]; }
    else if (name === "u" || name === "i") Object.assign(after, value);
    else if (name[0] === "s") after[name.slice(1)] = patched(after[name.slice(1)], value as Document);
  }
  return after;
}

function setAt(target: Document, [first, ...rest]: string[], value: unknown): void {
  if (rest.length > 0) setAt(target[first!] ??= {}, rest, value);
  else if (value === undefined) delete target[first!];
  else target[first!] = value;
}

function structuredCopy(document: Document): Document {
  return BSON.deserialize(BSON.serialize(document));
}

import { BSON, type Document, EJSON, Timestamp } from "bson";
import type { Verdict } from "../witness/breaches.ts";
import { judgeRun } from "../witness/judge_files.ts";
import type { Line } from "../witness/run_log.ts";
import type { Terms } from "../witness/terms.ts";
import type { Told } from "../witness/told.ts";

export const LEASE_MS = 10_000;
const TERMS = {
  database: "db",
  collection: "jobs",
  letters: "jobs_dead_letters",
  leaseMs: LEASE_MS,
  maxAttempts: 3,
};

/** How a server writes updates into its oplog. */
export type Format = "diff" | "modifiers" | "replacement";

/** An oplog that a test writes by hand, with the runs of handlers beside it. Its clock stands until a test moves it on. */
export class SmallOplog {
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  /** Of the writes that follow. */
  session: string | undefined;
  readonly terms: Terms;
  readonly #format: Format;
  readonly #entries: Document[] = [];
  readonly #lines: Line[] = [];
  readonly #told: Told[] = [];
  readonly #documents = new Map<string, Document>();
  #transaction: Document[] | undefined;
  #count = 0;

  constructor(terms: Partial<Terms> = {}, format: Format = "diff") {
    this.terms = { ...TERMS, ...terms };
    this.#format = format;
  }

  /** The server's time, or `ms` milliseconds later. */
  at(ms = 0): Date {
    return new Date(this.nowMs + ms);
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  insert(document: Document, collection = "jobs"): this {
    this.#documents.set(keyOf(collection, document._id), document);
    return this.#entry({ op: "i", ns: `db.${collection}`, o: document });
  }

  delete(_id: unknown, collection = "jobs"): this {
    this.#documents.delete(keyOf(collection, _id));
    return this.#entry({ op: "d", ns: `db.${collection}`, o: { _id } });
  }

  /** Changes fields of a document, by their paths; `undefined` removes one. */
  change(_id: unknown, fields: Record<string, unknown>, collection = "jobs"): this {
    const before = this.#documents.get(keyOf(collection, _id))!;
    const after = BSON.deserialize(BSON.serialize(before));
    const top = new Set(Object.keys(fields).map((path) => path.split(".")[0]!));
    for (const [path, value] of Object.entries(fields)) assign(after, path.split("."), value);
    this.#documents.set(keyOf(collection, _id), after);
    return this.#entry({
      op: "u",
      ns: `db.${collection}`,
      o2: { _id },
      o: this.#changeOf(before, after, top),
    });
  }

  /** Makes the writes of `body` one transaction, or, with `isPartial`, the first entry of one that goes on. */
  inTransaction(body: () => void, { isPartial = false } = {}): this {
    this.#transaction = [];
    body();
    const applyOps = this.#transaction;
    this.#transaction = undefined;
    const o = { applyOps, ...isPartial && { partialTxn: true } };
    return this.#entry({ op: "c", ns: "admin.$cmd", txnNumber: 1, o }, this.session ?? "of a transaction");
  }

  /** A claim of a new document, or of one that waits. */
  claim(_id: unknown, owner: string, more: Record<string, unknown> = {}): this {
    const { attempts = 0 } = this.pull(_id);
    return this.change(_id, {
      status: "processing",
      "_pull.token": `token ${this.#count}`,
      "_pull.owner": owner,
      "_pull.visible_at": this.at(LEASE_MS),
      "_pull.attempts": attempts + 1,
      ...more,
    });
  }

  /** A takeover of an expired lease, which inherits its attempt. */
  takeOver(_id: unknown, owner: string, more: Record<string, unknown> = {}): this {
    const { attempts, takeovers = 0 } = this.pull(_id);
    return this.claim(_id, owner, { "_pull.attempts": attempts, "_pull.takeovers": takeovers + 1, ...more });
  }

  ack(_id: unknown, more: Record<string, unknown> = {}): this {
    const { attempts } = this.pull(_id);
    return this.change(_id, {
      status: "processed",
      _pull: { attempts },
      processed_at: this.at(),
      error: undefined,
      ...more,
    });
  }

  /** What a nack, a release or a snooze writes. */
  back(_id: unknown, more: Record<string, unknown>): this {
    return this.change(_id, { status: "pending", ...NO_LEASE, "_pull.visible_at": this.at(), ...more });
  }

  nack(_id: unknown, more: Record<string, unknown> = {}): this {
    return this.back(_id, { error: "no", "_pull.takeovers": undefined, "_pull.alone": undefined, ...more });
  }

  release(_id: unknown, more: Record<string, unknown> = {}): this {
    return this.back(_id, { "_pull.attempts": this.pull(_id).attempts - 1, ...more });
  }

  /** Verdict, copy and mark. */
  bury(_id: unknown, { letter = this.at() }: { letter?: Date } = {}): this {
    this.change(_id, { "_pull.dead_at": this.at(), error: "no" });
    this.insert({ _id, dead_at: letter, source: { collection: "jobs" } }, "jobs_dead_letters");
    return this.failed(_id);
  }

  failed(_id: unknown): this {
    const removed = { "_pull.visible_at": undefined, "_pull.takeovers": undefined, "_pull.alone": undefined };
    return this.change(_id, { status: "failed", ...NO_LEASE, ...removed });
  }

  /** Puts a run of a handler beside the oplog: it begins now. Returns what ends it. */
  begin(
    _id: unknown,
    agent: string,
    { attempt = this.pull(_id).attempts, saved }: { attempt?: number; saved?: unknown } = {},
  ) {
    const run = String(this.#count++);
    this.#lines.push({ run, what: "begin", at: this.nowMs, agent, attempt, key: keyOf("jobs", _id), saved });
    return (what: "done" | "failed", more: Partial<Line> = {}) => {
      this.#lines.push({ run, what, at: this.nowMs, agent, saved, ...more });
    };
  }

  /** A whole run, from its claim to its end. */
  run(_id: unknown, agent: string, what: "done" | "failed" = "done", more: Partial<Line> = {}): this {
    this.claim(_id, agent);
    this.begin(_id, agent)(what, more);
    return this;
  }

  tell(what: "killed" | "stopped" | "shifted", agent: string): this {
    this.#told.push({ what, agent, at: this.nowMs });
    return this;
  }

  cut(agent: string, ms: number): this {
    this.#told.push({ what: "cut", agent, at: this.nowMs, until: this.nowMs + ms });
    return this;
  }

  /** The bookkeeping of a document. */
  pull(_id: unknown): Document {
    return this.#documents.get(keyOf("jobs", _id))?._pull ?? {};
  }

  async verdict(): Promise<Verdict> {
    const runs = (async function* (lines: Line[]) {
      yield* lines.toSorted((one, other) => one.at - other.at);
    })(this.#lines);
    const oplog = (async function* (entries: Document[]) {
      for (const entry of entries) yield BSON.deserialize(BSON.serialize(entry));
    })(this.#entries);
    return await judgeRun({ terms: this.terms, told: this.#told, runs, oplog });
  }

  #changeOf(before: Document, after: Document, top: ReadonlySet<string>): Document {
    if (this.#format === "replacement") return after;
    const [u, d]: [Document, Document] = [{}, {}];
    for (const name of top) {
      if (after[name] === undefined) d[name] = false;
      else u[name] = after[name];
    }
    if (this.#format === "modifiers") {
      return { $v: 1, $set: u, ...Object.keys(d).length > 0 && { $unset: d } };
    }
    const { _pull, ...rest } = u;
    if (_pull === undefined || before._pull === undefined) return { $v: 2, diff: { u, d } };
    const [was, is] = [before._pull, _pull];
    const gone = Object.keys(was).filter((name) => !(name in is)).map((name) => [name, false]);
    return { $v: 2, diff: { u: rest, d, s_pull: { u: is, d: Object.fromEntries(gone) } } };
  }

  #entry(entry: Document, session = this.session): this {
    if (this.#transaction) {
      this.#transaction.push(entry);
      return this;
    }
    const lsid = session === undefined
      ? {}
      : { lsid: { id: new BSON.Binary(new TextEncoder().encode(session)) } };
    const ts = new Timestamp({ t: Math.floor(this.nowMs / 1000), i: this.#count++ });
    this.#entries.push({ ...lsid, ...entry, ts, wall: this.at() });
    return this;
  }
}

const NO_LEASE = { "_pull.token": undefined, "_pull.owner": undefined };

function keyOf(collection: string, id: unknown): string {
  return `db.${collection}:${EJSON.stringify(id, { relaxed: false })}`;
}

function assign(target: Document, [first, ...rest]: string[], value: unknown): void {
  if (rest.length > 0) assign(target[first!] ??= {}, rest, value);
  else if (value === undefined) delete target[first!];
  else target[first!] = value;
}

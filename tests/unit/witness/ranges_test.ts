import { assertEquals } from "@std/assert";
import { LEASE_MS, SmallOplog } from "../../support/small_oplog.ts";

const AGENTS = "jobs_agents";

/** An oplog with three documents, of which `owner` holds those with the `_id` 1 and 2 in a range. */
function inRange(owner: string): SmallOplog {
  const oplog = new SmallOplog();
  for (const _id of [1, 2, 3]) oplog.insert({ _id, status: "pending" });
  oplog.insert({ _id: "ranges", mode: "range", ranges: [] }, AGENTS);
  return hold(oplog, owner);
}

function hold(oplog: SmallOplog, owner: string, { from = 0, to = 2 } = {}): SmallOplog {
  const range = { from, to, token: `range of ${owner}`, owner, visible_at: oplog.at(LEASE_MS) };
  return oplog.change("ranges", { ranges: [range] }, AGENTS);
}

/** The other documents are processed by document. */
function rest(oplog: SmallOplog, ...ids: readonly number[]): SmallOplog {
  oplog.change("ranges", { ranges: [] }, AGENTS);
  for (const _id of ids) oplog.run(_id, "b").ack(_id);
  return oplog;
}

function ack(oplog: SmallOplog, _id: number): SmallOplog {
  return oplog.change(_id, { status: "processed", _pull: { attempts: 1 }, processed_at: oplog.at() });
}

/** What gives a document of a range that ran out its bookkeeping. */
function mark(oplog: SmallOplog, _id: number): SmallOplog {
  return oplog.change(_id, { _pull: { visible_at: oplog.at(), takeovers: 1 } });
}

/** `a` is cut off until its range is lost, and `b` has taken it over. */
function lose(oplog: SmallOplog): SmallOplog {
  oplog.cut("a", LEASE_MS).wait(LEASE_MS);
  return hold(oplog, "b");
}

/** a gives document 1 a lease of its own. */
function giveOwnLease(oplog: SmallOplog): void {
  const lease = {
    token: "range of a",
    owner: "a",
    visible_at: oplog.at(LEASE_MS),
    attempts: 1,
    takeovers: 0,
  };
  oplog.change(1, { status: "processing", _pull: lease });
}

const GOOD: Record<string, (oplog: SmallOplog) => unknown> = {
  "acks": (oplog) => {
    for (const _id of [1, 2]) oplog.begin(_id, "a", { attempt: 1 })("done");
    rest(ack(ack(oplog, 1), 2), 3);
  },
  "a retry, and a release": (oplog) => {
    oplog.begin(1, "a", { attempt: 1 })("failed");
    oplog.change(1, { error: "no", _pull: { attempts: 1, visible_at: oplog.at(), errors: [] } });
    oplog.change(2, { _pull: { attempts: 0, visible_at: oplog.at() } });
    rest(oplog, 1, 2, 3);
  },
  "a lease of its own": (oplog) => {
    const end = oplog.begin(1, "a", { attempt: 1 });
    giveOwnLease(oplog);
    end("done");
    rest(oplog.ack(1), 2, 3);
  },
  "a killed holder": (oplog) => {
    oplog.begin(1, "a", { attempt: 1 });
    oplog.tell("killed", "a").wait(LEASE_MS);
    hold(oplog, "b");
    rest(mark(mark(oplog, 1), 2), 1, 2, 3);
  },
};

const LATE: typeof GOOD = {
  "an own lease of a holder that has lost the range": (oplog) => {
    const end = oplog.begin(1, "a", { attempt: 1 });
    lose(oplog);
    giveOwnLease(oplog);
    end("done");
    rest(mark(oplog.ack(1), 2), 2, 3);
  },
  "an ack of a holder that has lost the range": (oplog) => {
    oplog.session = "of a";
    for (const _id of [1, 2]) oplog.begin(_id, "a", { attempt: 1 })("done");
    ack(oplog, 1);
    oplog.session = undefined;
    lose(oplog);
    oplog.session = "of a";
    ack(oplog, 2);
    oplog.session = undefined;
    rest(oplog, 3);
  },
  "an ack of such a holder by a session that is not known": (oplog) => {
    oplog.begin(1, "a", { attempt: 1 })("done");
    rest(mark(ack(lose(oplog), 1), 2), 2, 3);
  },
  "a run of a holder that has lost the range, and then claims the document": (oplog) => {
    mark(mark(lose(oplog), 1), 2);
    oplog.change("ranges", { ranges: [] }, AGENTS);
    oplog.wait(100).claim(1, "a");
    oplog.wait(100).begin(1, "a", { attempt: 1 });
    oplog.wait(100).begin(1, "a", { attempt: 1 })("done");
    rest(oplog.ack(1), 2, 3);
  },
};

const BROKEN: Record<string, readonly [rule: string, write: (oplog: SmallOplog) => unknown]> = {
  "a claim by document in a live range": ["one live lease", (oplog) => oplog.run(1, "b").ack(1)],
  "an ack without a run": ["a token's writes", (oplog) => ack(oplog, 1)],
  "a takeover of a live range": ["ranges", (oplog) => hold(oplog.wait(LEASE_MS - 1), "b")],
  "a lost range without an excuse": ["doubles are excused", (oplog) => {
    hold(oplog.wait(LEASE_MS), "b");
    mark(oplog, 1);
  }],
  "a range in document mode": ["ranges", (oplog) => {
    oplog.change("ranges", { ranges: [], mode: "document" }, AGENTS);
    hold(oplog, "b");
  }],
};

for (const [title, write] of Object.entries({ ...GOOD, ...LATE })) {
  Deno.test(`Judge finds no breach in ranges: ${title}`, async () => {
    const oplog = inRange("a");
    write(oplog);
    assertEquals((await oplog.verdict()).breaches, []);
  });
}

for (const [title, [rule, write]] of Object.entries(BROKEN)) {
  Deno.test(`Judge finds a breach of ranges: ${title}`, async () => {
    const oplog = inRange("a");
    write(oplog);
    assertEquals((await oplog.verdict()).breaches[0]?.rule, rule);
  });
}

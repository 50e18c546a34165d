import { assertEquals } from "@std/assert";
import { assertFound, type BrokenRun, lose, PERMANENT, suspect } from "../../support/broken_runs.ts";
import { LEASE_MS, SmallOplog } from "../../support/small_oplog.ts";

const BROKEN: readonly BrokenRun[] = [
  [
    "one live lease",
    "a claim of a live lease",
    (o) => o.claim(1, "a").tell("killed", "a").wait(5000).takeOver(1, "b"),
  ],
  ["one live lease", "a claim before a snooze is over", (o) => {
    o.run(1, "a").back(1, { "_pull.attempts": 0, "_pull.snoozes": 1, "_pull.visible_at": o.at(500) });
    o.wait(400).run(1, "a").ack(1);
  }],
  [
    "one live lease",
    "a requeue of a live lease",
    (o) => o.claim(1, "a").change(1, { status: "pending", _pull: { visible_at: o.at() } }),
  ],
  [
    "legal transitions",
    "a claim of another program's document",
    (o) => o.change(1, { status: "processing" }).claim(1, "a"),
  ],
  ["legal transitions", "a claim of a processed document", (o) => o.run(1, "a").ack(1).claim(1, "b")],
  ["legal transitions", "the same, long after", (o) => {
    o.run(1, "a").ack(1).wait(60_000).insert({ _id: 2, status: "pending" }).run(2, "a").ack(2).claim(1, "b");
  }],
  ["legal transitions", "an ack without a time", (o) => o.run(1, "a").ack(1, { processed_at: undefined })],
  [
    "legal transitions",
    "an ack that keeps the checkpoint",
    (o) => o.run(1, "a").ack(1, { "_pull.saved": { n: 1 } }),
  ],
  ["legal transitions", "an ack that keeps the token", (o) => o.run(1, "a").ack(1, { "_pull.token": "t" })],
  [
    "legal transitions",
    "a release that keeps its attempt",
    (o) => o.claim(1, "a").release(1, { "_pull.attempts": 1, "_pull.takeovers": 0 }),
  ],
  [
    "legal transitions",
    "a release that clears the suspicion",
    (o) => suspect(o).release(1, { "_pull.takeovers": undefined }),
  ],
  [
    "legal transitions",
    "a snooze that costs an attempt",
    (o) => o.run(1, "a").back(1, { "_pull.snoozes": 1 }),
  ],
  ["legal transitions", "a snooze that clears the suspicion", (o) => {
    suspect(o).change(1, { "_pull.alone": 1 }).begin(1, "c")("done");
    o.back(1, { "_pull.attempts": 0, "_pull.snoozes": 1, "_pull.takeovers": undefined, "_pull.alone": 0 });
  }],
  [
    "legal transitions",
    "a renewal that shortens a lease",
    (o) => o.claim(1, "a").change(1, { "_pull.visible_at": o.at(5000) }),
  ],
  ["legal transitions", "a redrive that keeps the checkpoint", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.saved": { n: 1, data: 1 } }).bury(1);
    const zero = { "_pull.attempts": 0, "_pull.takeovers": 0, "_pull.alone": 0 };
    o.change(1, { status: "pending", "_pull.visible_at": o.at(), "_pull.dead_at": undefined, ...zero });
  }],
  ["it is inserted with bookkeeping", "a write that brings a deleted document back", (o) => {
    o.insert({ _id: 2, status: "pending", _pull: { attempts: 1 } });
  }],
  ["it is inserted as processed", "a document that is inserted as processed", (o) => {
    o.insert({ _id: 2, status: "processed" });
  }],
  [
    "it is inserted again",
    "a document that is inserted twice",
    (o) => o.insert({ _id: 1, status: "pending" }),
  ],
  [
    "legal transitions",
    "a session's write of an error alone",
    (o) => o.claim(1, "a").change(1, { error: "stalled" }),
  ],
  ["legal transitions", "a deletion", (o) => o.run(1, "a").ack(1).delete(1)],
  [
    "legal transitions",
    "a claim that marks the document as alone",
    (o) => suspect(o).tell("killed", "c").wait(LEASE_MS).takeOver(1, "d", { "_pull.alone": 1 }),
  ],
  [
    "the server's clock",
    "a lease that is too long",
    (o) => o.claim(1, "a", { "_pull.visible_at": o.at(LEASE_MS + 1) }),
  ],
  [
    "the server's clock",
    "a renewal that is too long",
    (o) => o.claim(1, "a").change(1, { "_pull.visible_at": o.at(LEASE_MS + 1) }),
  ],
  [
    "the server's clock",
    "a release that is due later",
    (o) => o.claim(1, "a").release(1, { "_pull.visible_at": o.at(1) }),
  ],
  ["the server's clock", "a verdict of another clock", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(-60_000), error: "no" });
  }],
  [
    "attempts",
    "a takeover that counts an attempt",
    (o) => lose(o.claim(1, "a"), "a").takeOver(1, "b", { "_pull.attempts": 2 }),
  ],
  [
    "attempts",
    "a takeover that counts no takeover",
    (o) => lose(o.claim(1, "a"), "a").takeOver(1, "b", { "_pull.takeovers": undefined }),
  ],
  ["attempts", "a claim that counts no attempt", (o) => o.claim(1, "a", { "_pull.attempts": 0 })],
  ["attempts", "one attempt too many", (o) => {
    for (let count = 0; count < 4; count++) o.run(1, "a", "failed").nack(1);
  }],
  ["it waits for a retry after 3 attempts", "a retry after the last attempt", (o) => {
    for (let count = 0; count < 3; count++) o.run(1, "a", "failed").nack(1);
  }],
  ["another program works on it, and it is requeued", "a requeue of another program's document", (o) => {
    o.change(1, { status: "processing" }).change(1, { status: "pending", _pull: { visible_at: o.at() } });
  }],
  ["attempts", "a failure that is none", (o) => o.run(1, "a", "done").nack(1)],
  ["runs are of leases", "a run without a lease", (o) => {
    o.claim(1, "a").begin(1, "b");
    o.begin(1, "a")("done");
    o.ack(1);
  }],
  ["runs are of leases", "a run of a killed agent that holds nothing", (o) => {
    o.claim(1, "a").begin(1, "b");
    o.tell("killed", "b").begin(1, "a")("done");
    o.ack(1);
  }],
  ["runs are of leases", "a run that counts another attempt", (o) => {
    o.claim(1, "a").begin(1, "a", { attempt: 2 });
  }],
  ["runs are of leases", "two runs under one lease", (o) => {
    o.claim(1, "a").begin(1, "a");
    o.begin(1, "a")("done");
    o.ack(1);
  }],
  ["a token's writes", "an ack while the holder still runs", (o) => {
    o.claim(1, "a").begin(1, "a")("done");
    o.cut("a", 1e6).wait(LEASE_MS).takeOver(1, "b").begin(1, "b");
    o.ack(1);
  }],
  ["a token's writes", "an ack before the holder has begun", (o) => o.claim(1, "a").ack(1)],
  ["a token's writes", "a nack while the holder still runs", (o) => {
    o.claim(1, "a").begin(1, "a");
    o.nack(1);
  }],
  ["a token's writes", "a write of another's session", (o) => {
    o.session = "x";
    o.run(1, "a", "failed").nack(1);
    o.session = undefined;
    o.claim(1, "b").begin(1, "b");
    o.session = "x";
    o.change(1, { "_pull.visible_at": o.at(LEASE_MS), "_pull.saved": { n: 1, data: 1 } });
  }],
  ["doubles are excused", "a takeover from an agent that lives", (o) => {
    o.claim(1, "a").begin(1, "a");
    o.tell("killed", "b").wait(LEASE_MS).takeOver(1, "b");
  }],
  [
    "doubles are excused",
    "a kill before the claim",
    (o) => o.tell("killed", "a").wait(100).claim(1, "a").wait(LEASE_MS).takeOver(1, "b"),
  ],
  [
    "doubles are excused",
    "a cut that was over before the claim",
    (o) => o.cut("a", 50).wait(100).claim(1, "a").wait(LEASE_MS).takeOver(1, "b"),
  ],
  ["doubles are excused", "a release of what runs", (o) => {
    o.claim(1, "a").begin(1, "a");
    o.release(1);
  }],
  ["doubles are excused", "a release of what runs, long after a cut", (o) => {
    o.cut("*", 50).wait(100).claim(1, "a").begin(1, "a");
    o.release(1);
  }],
  ["doubles are excused", "a release of what runs, after another agent was told to end", (o) => {
    o.claim(1, "a").begin(1, "a");
    o.tell("stopped", "b").release(1);
  }],
  ["legal transitions", "a verdict that replaces another", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" }).wait(10).change(
      1,
      { "_pull.dead_at": o.at() },
    );
  }],
  [
    "legal transitions",
    "a claim that sets a field of the user's",
    (o) => o.claim(1, "a", { data: 1 }).release(1),
  ],
  [
    "legal transitions",
    "a retry that removes a field of the user's",
    (o) => o.run(1, "a", "failed").nack(1, { "of.user": undefined }),
  ],
  ["none is lost", "a document that stays pending", () => {}],
  ["none is lost", "a document that stays under its lease", (o) => o.claim(1, "a")],
];

for (const broken of BROKEN) {
  Deno.test(`Judge finds ${broken[1]}`, () => assertFound(broken));
}

Deno.test("Judge finds that nothing was recorded", async () => {
  assertEquals((await new SmallOplog().verdict()).breaches.map(({ what }) => what), [
    "no document was inserted while the oplog was recorded",
  ]);
});

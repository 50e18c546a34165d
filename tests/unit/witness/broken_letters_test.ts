import { assertFound, type BrokenRun, lose, PERMANENT, suspect } from "../../support/broken_runs.ts";
import { LEASE_MS } from "../../support/small_oplog.ts";

const EFFECTS = { effects: [{ collection: "effects", of: "of", every: true }] };

const BROKEN: readonly BrokenRun[] = [
  ["suspects", "a suspect that runs without its mark", (o) => {
    suspect(o).begin(1, "c")("done");
    o.ack(1);
  }],
  ["suspects", "a mark after the start", (o) => {
    const end = suspect(o).begin(1, "c");
    o.wait(500).change(1, { "_pull.alone": 1 });
    end("done");
    o.ack(1);
  }],
  ["suspects", "a suspect that runs beside another document", (o) => {
    o.insert({ _id: 2, status: "pending" });
    suspect(o).claim(2, "c").change(1, { "_pull.alone": 1 });
  }],
  ["suspects", "a claim while a suspect runs", (o) => {
    o.insert({ _id: 2, status: "pending" });
    suspect(o).change(1, { "_pull.alone": 1 }).claim(2, "c");
  }],
  [
    "suspects",
    "a mark of a document that is no suspect",
    (o) => o.claim(1, "a").change(1, { "_pull.alone": 1 }),
  ],
  [
    "suspects",
    "a mark under a lease that is over",
    (o) => suspect(o).wait(2 * LEASE_MS).change(1, { "_pull.alone": 1 }),
  ],
  ["suspects", "a release that keeps its mark", (o) => suspect(o).change(1, { "_pull.alone": 1 }).release(1)],
  ["letters and verdicts", "a verdict after one process that ended", (o) => {
    lose(suspect(o).change(1, { "_pull.alone": 1 }), "c").takeOver(1, "d", { "_pull.attempts": 2 }).bury(1);
  }],
  ["letters and verdicts", "a verdict after one failure", (o) => o.run(1, "a", "failed").bury(1)],
  ["letters and verdicts", "a copy before its verdict", (o) => {
    o.run(1, "a", "failed", PERMANENT).insert({ _id: 1, dead_at: o.at() }, "jobs_dead_letters");
    o.change(1, { "_pull.dead_at": o.at(), error: "no" }).failed(1);
  }],
  ["letters and verdicts", "a mark before its copy", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" }).failed(1);
    o.insert({ _id: 1, dead_at: o.at() }, "jobs_dead_letters");
  }],
  [
    "letters and verdicts",
    "a letter of another verdict",
    (o) => o.run(1, "a", "failed", PERMANENT).bury(1, { letter: o.at(-5) }),
  ],
  [
    "letters and verdicts",
    "an ack after a verdict",
    (o) => o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" }).ack(1),
  ],
  ["letters and verdicts", "a run after a verdict", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" });
    o.tell("killed", "a").wait(LEASE_MS).takeOver(1, "b").begin(1, "b")("done");
    o.insert({ _id: 1, dead_at: o.at(-LEASE_MS) }, "jobs_dead_letters").failed(1);
  }],
  ["an older letter replaces a newer one", "an older letter that replaces a newer one", (o) => {
    o.run(1, "a", "failed", PERMANENT).bury(1).wait(10);
    o.change(1, { dead_at: o.at(-10_000) }, "jobs_dead_letters");
  }],
  ["it has a verdict that is not final, and is requeued", "a requeue before a dead letter is made", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" });
    o.tell("killed", "a").wait(LEASE_MS).change(1, { status: "pending", _pull: { visible_at: o.at() } });
  }],
  [
    "its letter is removed while it is failed",
    "a letter that is removed before its document is redriven",
    (o) => {
      o.run(1, "a", "failed", PERMANENT).bury(1).delete(1, "jobs_dead_letters");
    },
  ],
  ["letters and verdicts", "a letter that stays after a redrive", (o) => {
    o.run(1, "a", "failed", PERMANENT).bury(1);
    o.change(1, { status: "pending", _pull: { visible_at: o.at() }, error: undefined }).run(1, "a").ack(1);
  }],
  ["letters and verdicts", "a letter by reference that is dated later", (o) => {
    o.run(1, "a", "failed", PERMANENT);
    o.insert({ _id: 1, dead_at: o.at(10), by_reference: true }, "jobs_dead_letters");
    o.change(1, { status: "failed", _pull: undefined });
  }],
  ["letters and verdicts", "a cancel after a verdict", (o) => {
    o.run(1, "a", "failed", PERMANENT).change(1, { "_pull.dead_at": o.at(), error: "no" });
    o.change(1, {
      status: "canceled",
      "_pull.token": undefined,
      "_pull.owner": undefined,
      "_pull.canceled": { at: o.at() },
    });
  }],
  [
    "writes go with the ack",
    "a write outside of a transaction",
    (o) => o.run(1, "a").inTransaction(() => o.ack(1)).insert({ _id: "x", of: 1 }, "effects"),
    EFFECTS,
  ],
  ["writes go with the ack", "an ack without its write", (o) => o.run(1, "a").ack(1), EFFECTS],
  ["writes go with the ack", "a write that is made twice", (o) => {
    o.run(1, "a").inTransaction(() =>
      o.ack(1).insert({ _id: "x", of: 1 }, "effects").insert({ _id: "y", of: 1 }, "effects")
    );
  }, EFFECTS],
  ["writes go with the ack", "a write of a document whose ack has missed", (o) => {
    o.insert({ _id: 2, status: "pending" }).run(1, "a").run(2, "a");
    o.inTransaction(() =>
      o.ack(1).insert({ _id: "x", of: 1 }, "effects").insert({ _id: "y", of: 2 }, "effects")
    );
  }, EFFECTS],
  ["checkpoints", "an older checkpoint", (o) => {
    o.claim(1, "a").change(1, { "_pull.saved": { n: 2, data: 2 } }).change(1, {
      "_pull.saved": { n: 1, data: 1 },
    });
  }],
  [
    "checkpoints",
    "a checkpoint that its run made and that is dropped",
    (o) => o.run(1, "a", "failed", { saved: 7 }).nack(1),
  ],
  ["checkpoints", "a run that gets another checkpoint", (o) => {
    o.claim(1, "a", { "_pull.saved": { n: 1, data: 1 } });
    o.begin(1, "a", { saved: 2 })("done");
    o.ack(1);
  }],
];

for (const broken of BROKEN) {
  Deno.test(`Judge finds ${broken[1]}`, () => assertFound(broken));
}

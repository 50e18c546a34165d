import { assertEquals } from "@std/assert";
import { LEASE_MS, SmallOplog } from "../../support/small_oplog.ts";
import type { Terms } from "../../witness/terms.ts";

/** Runs without a breach, by what happens in them. */
const GOOD: Record<string, (oplog: SmallOplog) => unknown> = {
  "a document is processed": (oplog) => oplog.run(1, "a").ack(1),
  "a retry succeeds": (oplog) => oplog.run(1, "a", "failed").nack(1).wait(50).run(1, "b").ack(1),
  "a document fails three times": (oplog) =>
    oplog.run(1, "a", "failed").nack(1).run(1, "a", "failed").nack(1).run(1, "a", "failed").bury(1),
  "a document fails for good": (oplog) => oplog.run(1, "a", "failed", { permanent: true }).bury(1),
  "a dead letter by reference": (oplog) => {
    oplog.run(1, "a", "failed", { permanent: true });
    oplog.insert({ _id: 1, dead_at: oplog.at(), by_reference: true }, "jobs_dead_letters");
    oplog.change(1, { status: "failed", _pull: undefined });
  },
  "a drain releases what has not begun": (oplog) => oplog.claim(1, "a").release(1).run(1, "b").ack(1),
  "a forced end releases what has begun": (oplog) => {
    oplog.claim(1, "a");
    oplog.begin(1, "a");
    oplog.tell("stopped", "a").wait(10).release(1).run(1, "b").ack(1);
  },
  "the breaker spares a run that has failed": (oplog) => {
    oplog.claim(1, "a");
    oplog.begin(1, "a")("failed");
    oplog.release(1).run(1, "b").ack(1);
  },
  "a snooze": (oplog) => {
    oplog.run(1, "a").back(1, { "_pull.attempts": 0, "_pull.snoozes": 1, "_pull.visible_at": oplog.at(500) });
    oplog.wait(500).run(1, "a").ack(1);
  },
  "the holder is killed": (oplog) => {
    oplog.claim(1, "a");
    oplog.begin(1, "a");
    oplog.tell("killed", "a").wait(LEASE_MS).takeOver(1, "b");
    oplog.begin(1, "b")("done");
    oplog.ack(1);
  },
  "a frozen holder goes on": (oplog) => {
    oplog.claim(1, "a");
    const end = oplog.begin(1, "a");
    oplog.cut("a", LEASE_MS + 100).wait(LEASE_MS).takeOver(1, "b");
    oplog.begin(1, "b")("done");
    oplog.ack(1).wait(100);
    end("done");
  },
  "a frozen agent starts a run too late": (oplog) => {
    oplog.claim(1, "a").cut("a", LEASE_MS + 100).wait(LEASE_MS).takeOver(1, "b");
    oplog.begin(1, "b")("done");
    oplog.ack(1).wait(100).begin(1, "a");
  },
  "a claim arrives when its lease is over, and the cut as well": (oplog) => {
    oplog.cut("a", 5000).wait(LEASE_MS).claim(1, "a", { "_pull.visible_at": oplog.at() });
    oplog.wait(50).takeOver(1, "b");
    oplog.begin(1, "b")("done");
    oplog.ack(1);
  },
  "an agent that was cut off takes its own lease over, and starts at once": (oplog) => {
    oplog.claim(1, "a").cut("a", LEASE_MS + 100).wait(LEASE_MS + 100).takeOver(1, "a");
    oplog.begin(1, "a")("done");
    oplog.ack(1);
  },
  "an agent claims what it has just released, and starts at once": (oplog) => {
    oplog.claim(1, "a").wait(3000).release(1).wait(5).claim(1, "a").wait(10);
    const end = oplog.begin(1, "a");
    oplog.wait(100);
    end("done");
    oplog.ack(1);
  },
  "a spared run begins at the time of its release, and the agent claims the document again": (oplog) => {
    oplog.tell("stopped", "a").claim(1, "a").wait(3);
    oplog.begin(1, "a")("failed");
    oplog.wait(-3).release(1).wait(8).claim(1, "a").wait(5);
    oplog.begin(1, "a")("done");
    oplog.ack(1);
  },
  "a run begins at the time of its release, and another agent has the document then": (oplog) => {
    oplog.tell("stopped", "a").claim(1, "a").wait(3);
    oplog.begin(1, "a")("failed");
    oplog.wait(-3).release(1).wait(4).run(1, "b").ack(1);
  },
  "poison ends four processes": (oplog) => {
    for (let count = 0; count < 4; count++) {
      const agent = `a${count}`;
      const isAlone = count >= 2;
      if (count === 0) oplog.claim(1, agent);
      else oplog.takeOver(1, agent, count === 3 ? { "_pull.attempts": 2 } : {});
      if (isAlone) oplog.change(1, { "_pull.alone": count - 1 });
      oplog.begin(1, agent);
      oplog.tell("killed", agent).wait(LEASE_MS);
    }
    oplog.takeOver(1, "last").bury(1);
  },
  "a suspect is killed while it runs alone, which is an attempt and none in vain, and then it is processed": (
    oplog,
  ) => {
    for (let count = 0; count < 3; count++) {
      if (count === 0) oplog.claim(1, "a0");
      else oplog.takeOver(1, `a${count}`);
      if (count === 2) oplog.change(1, { "_pull.alone": 1 });
      oplog.begin(1, `a${count}`);
      oplog.tell("killed", `a${count}`).wait(LEASE_MS);
    }
    oplog.takeOver(1, "last", { "_pull.attempts": 2 }).change(1, { "_pull.alone": 2 });
    oplog.begin(1, "last")("done");
    oplog.ack(1);
  },
  "the next holder finishes the verdict of a document that ran alone": (oplog) => {
    oplog.claim(1, "a").tell("killed", "a").wait(LEASE_MS).takeOver(1, "b");
    oplog.tell("killed", "b").wait(LEASE_MS).takeOver(1, "c").change(1, { "_pull.alone": 1 });
    oplog.begin(1, "c")("failed", { permanent: true });
    const dead_at = oplog.at();
    oplog.change(1, { "_pull.dead_at": dead_at, error: "no" });
    oplog.tell("killed", "c").wait(LEASE_MS).takeOver(1, "d");
    oplog.insert({ _id: 1, dead_at, source: { collection: "jobs" } }, "jobs_dead_letters").failed(1);
  },
  "the next holder finishes a verdict": (oplog) => {
    oplog.run(1, "a", "failed", { permanent: true }).change(1, { "_pull.dead_at": oplog.at(), error: "no" });
    oplog.insert({ _id: 1, dead_at: oplog.at() }, "jobs_dead_letters");
    oplog.tell("killed", "a").wait(LEASE_MS).takeOver(1, "b").failed(1);
  },
  "checkpoints": (oplog) => {
    oplog.claim(1, "a");
    const end = oplog.begin(1, "a");
    oplog.change(1, { "_pull.visible_at": oplog.at(LEASE_MS), "_pull.saved": { n: 1, data: "half" } });
    end("failed", { saved: "most" });
    oplog.nack(1, { "_pull.saved": { n: 2, data: "most" } }).claim(1, "a");
    oplog.begin(1, "a", { saved: "most" })("done");
    oplog.ack(1);
  },
  "a redrive": (oplog) => {
    oplog.run(1, "a", "failed", { permanent: true }).bury(1).wait(100);
    const zero = { "_pull.attempts": 0, "_pull.takeovers": 0, "_pull.alone": 0 };
    oplog.change(1, {
      status: "pending",
      "_pull.visible_at": oplog.at(),
      "_pull.dead_at": undefined,
      ...zero,
    });
    oplog.delete(1, "jobs_dead_letters").run(1, "a").ack(1);
  },
  "a requeue of what is forgotten": (oplog) => {
    oplog.run(1, "a").ack(1).wait(60_000).insert({ _id: 2, status: "pending" }).run(2, "a").ack(2);
    const reset = { _pull: { visible_at: oplog.at() }, processed_at: undefined };
    oplog.change(1, { status: "pending", ...reset }).run(1, "a").ack(1);
  },
  "a cancel": (oplog) => {
    oplog.claim(1, "a").change(1, {
      status: "canceled",
      "_pull.token": undefined,
      "_pull.owner": undefined,
      "_pull.visible_at": undefined,
      "_pull.canceled": { at: oplog.at() },
    });
  },
  "an edit of a user's field": (oplog) => oplog.change(1, { customer: 7 }).run(1, "a").ack(1),
};

for (const format of ["diff", "modifiers", "replacement"] as const) {
  Deno.test(`Judge finds no breach in good runs, if updates are written as ${format}`, async (t) => {
    for (const [title, write] of Object.entries(GOOD)) {
      await t.step(title, async () => {
        const oplog = new SmallOplog({}, format);
        oplog.insert({ _id: 1, status: "pending" });
        write(oplog);
        assertEquals((await oplog.verdict()).breaches, []);
      });
    }
  });
}

const EFFECTS: Partial<Terms> = { effects: [{ collection: "effects", of: "of", every: true }] };

Deno.test("Judge finds no breach if each ack has its write in one transaction, of one entry or of several", async () => {
  for (const isLong of [false, true]) {
    const oplog = new SmallOplog(EFFECTS);
    oplog.insert({ _id: 1, status: "pending" }).insert({ _id: 2, status: "pending" });
    oplog.run(1, "a").run(2, "a");
    oplog.inTransaction(() => oplog.ack(1).ack(2), { isPartial: isLong });
    oplog.inTransaction(() =>
      oplog.insert({ _id: "x", of: 1 }, "effects").insert({ _id: "y", of: 2 }, "effects")
    );
    const { breaches } = await oplog.verdict();
    assertEquals(breaches.length > 0, !isLong);
  }
});

Deno.test("Judge counts doubles by their excuse, and forgets processed documents", async () => {
  const oplog = new SmallOplog();
  for (let id = 1; id <= 50; id++) {
    oplog.insert({ _id: id, status: "pending" }).claim(id, `agent ${id}`);
    oplog.begin(id, `agent ${id}`);
    oplog.tell("killed", `agent ${id}`).wait(LEASE_MS).takeOver(id, "b");
    oplog.begin(id, "b")("done");
    oplog.ack(id);
  }
  const { counts, ok } = await oplog.verdict();
  assertEquals([ok, counts["doubles, killed"], counts["documents processed"], counts["runs of handlers"]], [
    true,
    50,
    50,
    100,
  ]);
});

import { assert, assertEquals } from "@std/assert";
import { Binary, BSON } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { readProc } from "../support/proc.ts";

const MIB = 1024 * 1024;

Deno.test("Memory: thirty documents of 15 MiB waiting do not exhaust a container of 512 MiB", async () => {
  await using db = await testDatabase("memory");
  const documents = documentsOf(db);
  const data = new Binary(new Uint8Array(15 * MIB));
  // The server makes the copies: that is faster than to send them.
  const seed = db.db.collection("seed");
  await seed.insertOne({ data, status: "pending", ids: upTo(30) });
  const copies = [{ $unwind: "$ids" }, { $set: { _id: "$ids" } }, { $unset: "ids" }, { $out: "documents" }];
  await seed.aggregate(copies).toArray();
  await using home = await agentHome({
    db,
    module: `export default async ({ data }) => {
        while (!(await Deno.stat(Deno.env.get("MARKS") + ".go").catch(() => false))) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        if (data.length() !== ${15 * MIB}) throw new Error("cut");
      };`,
    env: { LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  // Handlers end only when as many are held as may be.
  await agent.untilStatus(
    "no more to be claimed",
    ({ held, loop }) => loop.stage === "full" || held.documents === 30,
  );
  await home.write("marks.go", "");
  await agent.untilSettled(30, { timeoutMs: 180_000 });
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await readProc(`/proc/${agent.pid}/status`));
  const peakMib = Number(peak![1]) / 1024;
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 30);
  assert(peakMib < 400, `${peakMib} MiB at the peak`);
});

Deno.test("Memory: a batch of a thousand documents of 60 KiB, made of empty documents, does not exhaust a container of 512 MiB", async () => {
  await using db = await testDatabase("memory");
  const documents = documentsOf(db);
  const items = Array.from({ length: 5_650 }, () => ({}));
  const size = BSON.calculateObjectSize({ items, status: "pending" });
  assert(size > 59 * 1024 && size < 64 * 1024, `${size} bytes: others are not kept parsed`);
  const seed = db.db.collection("seed");
  await seed.insertOne({ items, status: "pending", ids: upTo(1_000) });
  const copies = [{ $unwind: "$ids" }, { $set: { _id: "$ids" } }, { $unset: "ids" }, { $out: "documents" }];
  await seed.aggregate(copies).toArray();
  await using home = await agentHome({
    db,
    // Slow enough for as many to be held as may be.
    module: `export default async ({ items }) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        if (items.length !== 5_650) throw new Error("cut");
      };`,
    env: { BATCH_SIZE: "1000", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(1_000, { timeoutMs: 180_000 });
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await readProc(`/proc/${agent.pid}/status`));
  const peakMib = Number(peak![1]) / 1024;
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 1_000);
  assert(peakMib < 450, `${peakMib} MiB at the peak`);
});

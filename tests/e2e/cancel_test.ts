import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { type AnyDocument, LONG_AGO } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** Hangs until it is aborted, and then tells why; a document that ran before is done at once. */
const HANGING = `export default async ({ _id }, { signal }) => {
  mark("start " + _id);
  if (_id !== 2) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  mark(signal.reason.name + " " + _id);
};`;

/** Only the watch for canceled documents can tell in time: a lease is renewed after 20 minutes. */
const SLOW = { LEASE_DURATION: "1h", PROCESS_TIMEOUT: "2h", AGENT_NAME: "first" };

for (
  const [how, options, env] of [
    ["with a change stream", {}, {}],
    ["with CHANGE_STREAM=off", {}, { CHANGE_STREAM: "off" }],
    ["on a standalone server", { standalone: true }, {}],
  ] as const
) {
  Deno.test(`cancel ${how} aborts the handler that runs, no late outcome undoes it, and requeue brings the document back`, async () => {
    await using db = await testDatabase("cancel", options);
    await insertPending(db, upTo(2));
    await using home = await agentHome({ db, module: HANGING, env: { ...SLOW, ...env } });
    const agent = await home.startReady();
    await home.untilMarked("start 2");
    const canceled = await home.run("cancel", "2", "--reason", "the order was withdrawn");
    assertEquals([canceled.code, canceled.stderr], [
      0,
      "2 is canceled: the agent first aborts its handler within a second\n",
    ]);
    await home.untilMarked("CanceledError 2");
    const { counters } = await agent.untilStatus(
      "the canceled document",
      ({ counters }) => counters.canceled === 1,
    );
    assertEquals([counters.processed, counters.released, counters.lease_lost], [1, 0, 0]);
    await agent.log("An operator has canceled documents");
    const { _pull, ...rest } = (await documentsOf(db).findOne({ _id: 2 }))!;
    assertEquals(rest, { _id: 2, status: "canceled" });
    assertEquals(Object.keys(_pull!).toSorted(), ["attempts", "canceled"]);

    const again = await home.run("cancel", "2");
    assertEquals(again.code, 0);
    assertMatch(again.stderr, /^2 is canceled already, since \S+Z\n$/);
    const why = await home.run("why", "2");
    assertMatch(
      why.stdout,
      /^It is canceled\.\n- An operator canceled it at \S+Z \(the order was withdrawn\), and no claim takes a canceled document\.\n {2}In a shell: pulling-agent requeue --id 2$/m,
    );
    assertEquals((await home.run("requeue", "--id", "2")).stderr, "1 requeued\n");
    await home.untilMarked("start 2", 2);
    assertEquals((await home.run("cancel", "2")).code, 0);
    await home.untilMarked("CanceledError 2", 2);
  });
}

Deno.test("cancel takes what waits or is in processing, and refuses everything else in a sentence", async () => {
  await using db = await testDatabase("cancel states");
  await using home = await agentHome({ db });
  const deadAt = new Date(1e12);
  const lease = { token: "t", owner: "gone", visible_at: LONG_AGO };
  const documents: AnyDocument[] = [
    { _id: "new", status: "pending" },
    {
      _id: "retry",
      status: "pending",
      error: "no",
      _pull: { visible_at: LONG_AGO, attempts: 2, takeovers: 2, alone: 1 },
    },
    { _id: "expired", status: "processing", _pull: { ...lease, attempts: 1 } },
    { _id: "foreign", status: "processing" },
    { _id: "processed", status: "processed" },
    { _id: "failed", status: "failed" },
    { _id: "judged", status: "processing", _pull: { ...lease, dead_at: deadAt } },
    { _id: "other", status: "archived" },
    { _id: "pull", status: "pending", _pull: 7 },
    { _id: "again", status: "pending", _pull: { canceled: { at: deadAt, reason: "of the first time" } } },
    { _id: "5", status: "pending" },
    { _id: 5, status: "pending" },
  ];
  await db.db.collection<AnyDocument>("documents").insertMany(documents);
  for (
    const [id, code, says] of [
      ["new", 0, /^new is canceled\n$/],
      ["retry", 0, /^retry is canceled\n$/],
      ["expired", 0, /^expired is canceled\n$/],
      ["foreign", 0, /^foreign is canceled: the program that works on it, which is no agent, is not told\n$/],
      ["processed", 1, /^processed is not canceled: it is processed already\n$/],
      ["failed", 1, /^failed is not canceled: it has failed for good/],
      ["judged", 1, /^judged is not canceled: it is about to become a dead letter/],
      ["other", 1, /^other is not canceled: its status is archived, and only what is pending/],
      ["pull", 1, /^pull is not canceled: its field _pull is not the agent's/],
      ["again", 0, /^again is canceled\n$/],
      ["5", 1, /^pulling-agent: 2 documents have an id that "5" may mean: type it as Extended JSON/],
      ['"5"', 0, /^5 is canceled\n$/],
      ["nosuch", 1, /^There is no document with the id "nosuch"\n$/],
    ] as const
  ) {
    const result = await home.run("cancel", id);
    assertMatch(result.stderr, says);
    assertEquals(result.code, code, id);
  }
  const after = await documentsOf(db).find({ status: "canceled" }).toArray();
  assertEquals(after.map(({ _id }) => String(_id)), ["new", "retry", "expired", "foreign", "again", "5"]);
  const kept = after.map(({ _pull }) => Object.keys(_pull!).filter((name) => name !== "canceled").join());
  assertEquals(kept, ["", "attempts", "attempts", "", "", ""]);
  const { canceled } = after.find(({ _id }) => _id as unknown === "again")!._pull as AnyDocument;
  assertEquals([Object.keys(canceled), canceled.at > deadAt], [["at"], true]);
  const statuses = ["pending", "processing", "processed", "failed"];
  await db.db.command({ collMod: "documents", validator: { status: { $in: statuses } } });
  await db.db.collection<AnyDocument>("documents").insertOne({ _id: "valid", status: "pending" });
  const refused = await home.run("cancel", "valid");
  assertEquals([refused.code, refused.stderr.split("\n").length], [1, 2]);
  assertMatch(refused.stderr, /a validator of the collection refuses .+: admit the status "canceled" and/);
  for (
    const [args, says] of [[[], "cancel needs an ID"], [["1", "2"], 'cancel takes no argument "2"']] as const
  ) {
    const { code, stderr } = await home.run("cancel", ...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
  }
});

Deno.test("cancel of one document of a batch leaves the run of the others alone, and a document that waits is not started", async () => {
  await using db = await testDatabase("cancel batch");
  await insertPending(db, upTo(3));
  await using home = await agentHome({
    db,
    module: `export async function processBatch(documents, { signal }) {
      mark("batch " + documents.map(({ _id }) => _id));
      while (!(await Deno.readTextFile(Deno.env.get("MARKS"))).includes("go")) await new Promise((go) => setTimeout(go, 20));
      mark(signal.aborted ? "aborted" : "done");
      return documents.map(() => undefined);
    }`,
    env: { ...SLOW, BATCH_SIZE: "2", CONCURRENCY: "1" },
  });
  const agent = await home.startReady();
  await home.untilMarked("batch 1,2");
  await agent.untilStatus("the third to be held, or not", ({ held }) => held.documents >= 2);
  assertEquals((await home.run("cancel", "1")).code, 0);
  await agent.untilStatus("the canceled document", ({ counters }) => counters.canceled === 1);
  assertEquals((await home.run("cancel", "3")).code, 0);
  await Deno.writeTextFile(home.marksFile, "0 go\n", { append: true });
  await home.untilMarked("done");
  await waitFor(
    "the second",
    async () => await documentsOf(db).countDocuments({ status: "processed" }) === 1,
  );
  assertEquals(
    (await documentsOf(db).find().sort({ _id: 1 }).toArray()).map(({ status }) => status),
    ["canceled", "processed", "canceled"],
  );
});

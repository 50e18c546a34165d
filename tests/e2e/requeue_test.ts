import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { DEAD_AT, insertFailed, lettersOf, source } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { type AnyDocument, LONG_AGO } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

const LATER = new Date(Date.now() + 7_200_000);
const LEASE = { token: "t", owner: "a" };

/** Whether a requeue takes a document that it finds by a filter, only one that it is given the id of, or none. */
type Taken = "always" | "by id" | "never";

/** A document of every kind, and why it is left alone. */
const STATES: [what: string, document: AnyDocument, taken: Taken, because?: string][] = [
  ["processed", { status: "processed", processed_at: DEAD_AT, answer: 42, _pull: { attempts: 3 } }, "always"],
  ["failed", { status: "failed", error: "no", _pull: { attempts: 5, dead_at: DEAD_AT } }, "always"],
  ["failed without a verdict", { status: "failed" }, "always"],
  ["failed, in a list", { status: ["failed"], _pull: { dead_at: DEAD_AT } }, "always"],
  ["canceled", { status: "canceled", _pull: { attempts: 1, canceled: { at: DEAD_AT } } }, "always"],
  ["to be retried", { status: "pending", error: "no", _pull: { visible_at: LATER, attempts: 2 } }, "always"],
  ["a suspect", {
    status: "pending",
    _pull: { visible_at: LONG_AGO, attempts: 2, takeovers: 2, alone: 1 },
  }, "always"],
  ["under a lease that has expired", {
    status: "processing",
    _pull: { ...LEASE, visible_at: LONG_AGO, attempts: 1 },
  }, "always"],
  [
    "under a lease that never ends",
    { status: "processing", _pull: { ...LEASE, visible_at: "soon" } },
    "always",
  ],
  ["new", { status: "pending" }, "never", "pending and due already"],
  ["due", { status: "pending", _pull: { visible_at: LONG_AGO } }, "never", "pending and due already"],
  [
    "under a live lease",
    {
      status: "processing",
      _pull: { ...LEASE, visible_at: LATER, attempts: 1 },
    },
    "never",
    "being processed by an agent",
  ],
  [
    "about to become a dead letter",
    {
      status: "processing",
      _pull: { ...LEASE, visible_at: LONG_AGO, attempts: 5, dead_at: DEAD_AT },
    },
    "never",
    "about to become a dead letter",
  ],
  [
    "in processing by another program",
    { status: "processing", worker: 7 },
    "by id",
    "in processing by another program (--id takes it all the same)",
  ],
  [
    "of another status",
    { status: "archived" },
    "by id",
    "with a status that is not the agent's (--id takes it all the same)",
  ],
  [
    "with a _pull of the user's",
    { status: "failed", _pull: "mine" },
    "never",
    "with a field _pull that is not the agent's",
  ],
];

Deno.test("requeue sets back what no agent holds, by a filter and by its id, and says of everything else why it is left alone", async () => {
  await using db = await testDatabase("requeue states");
  await using home = await agentHome({ db });
  const documents = documentsOf(db);
  const given: AnyDocument[] = STATES.map(([, document], _id) => ({ _id, ...document }));
  await documents.insertMany(given);
  const check = async (isTaken: (taken: Taken) => boolean) => {
    for (const [_id, [what, before, taken]] of STATES.entries()) {
      const after = await documents.findOne({ _id });
      if (!isTaken(taken)) assertEquals(after, given[_id], what);
      else {
        const { error: _, processed_at: __, _pull: ___, ...kept } = before;
        const { _pull, ...rest } = after!;
        assertEquals(rest, { _id, ...kept, status: "pending" }, what);
        assertEquals([Object.keys(_pull!), _pull!.visible_at! <= new Date()], [["visible_at"], true], what);
      }
    }
  };
  const filter = ["--filter", '{"status": {"$exists": true}}'];
  const dry = await home.run("requeue", ...filter, "--dry-run");
  await check(() => false);
  assertEquals(dry.stdout.trimEnd().split("\n").length, 9);
  const { code, stderr } = await home.run("requeue", ...filter);
  assertEquals(code, 0, stderr);
  await check((taken) => taken === "always");
  assertMatch(stderr, /^9 requeued; left alone: /m);
  const reasons = new Map<string, number>();
  for (const [, , , because] of STATES) if (because) reasons.set(because, (reasons.get(because) ?? 0) + 1);
  for (const [because, count] of reasons) assertStringIncludes(stderr, `${count} ${because}`);

  const left = STATES.entries().filter(([, [, , taken]]) => taken !== "always").toArray();
  const byId = await home.run("requeue", ...left.flatMap(([_id]) => ["--id", String(_id)]));
  assertEquals(byId.code, 1);
  await check((taken) => taken !== "never");
  for (const [_id, [, , taken, because]] of left) {
    assertEquals(byId.stderr.includes(`${_id} is left alone: ${because}\n`), taken === "never", byId.stderr);
  }
  assertMatch(byId.stderr, /^2 requeued; left alone: /m);
});

Deno.test("requeue takes failed documents with their letters, and never one that failed again since", async () => {
  await using db = await testDatabase("requeue failed");
  await using home = await agentHome({
    db,
    module:
      `export default ({ _id }) => { if (_id === 2) throw Object.assign(new Error("again"), { permanent: true }); };`,
  });
  await insertFailed(db, [1, 2, 3]);
  await documentsOf(db).insertMany([
    { _id: 4, status: "failed", _pull: { dead_at: DEAD_AT } as never },
    { _id: 5, status: "processed", processed_at: DEAD_AT },
  ]);
  // A requeue that was killed between its two writes has left this.
  await lettersOf(db).insertOne({ _id: 6, dead_at: DEAD_AT, source: source(db) });
  await insertPending(db, [6]);
  // The document was deleted: its letter holds the only copy.
  await lettersOf(db).insertOne({ _id: 7, document: { _id: 7 }, dead_at: DEAD_AT, source: source(db) });
  const first = await home.run("requeue", "--failed");
  assertEquals(first.code, 0, first.stderr);
  assertMatch(
    first.stderr,
    /^No index serves this: all 6 documents of the collection are read\n4 documents are selected \(4 failed\), with --before \S+Z\n1 dead letters were stale, and are removed\n4 requeued\n$/,
  );
  assertEquals([
    await lettersOf(db).distinct("_id"),
    await documentsOf(db).countDocuments({ status: "pending" }),
  ], [[7], 5]);
  const [, before] = / --before (\S+)/.exec(first.stderr)!;
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 5);
  // Document 2 has failed again, and 5 was processed before: neither is taken by a requeue that goes on.
  const again = await home.run("requeue", "--failed", "--before", before!);
  assertMatch(again.stderr, /^0 requeued$/m);
  assertEquals(
    (await home.run("dead-letters", "list")).stderr,
    "1 dead letters\n".replace("letters", "letter"),
  );
  assertMatch((await home.run("requeue", "--filter", '{"_id": 2}')).stderr, /^1 requeued$/m);
  assertEquals(await lettersOf(db).distinct("_id"), [7]);
});

Deno.test("requeue --processed-since takes what was processed since, by an index if there is one, and FILTER applies", async () => {
  await using db = await testDatabase("requeue processed");
  await using home = await agentHome({ db, env: { FILTER: '{"kind": "a"}' } });
  const at = (ms: number) => new Date(Date.UTC(2026, 1, 3, 4, 5, 6) + ms);
  await documentsOf(db).insertMany(
    upTo(6).map((_id) => ({ _id, status: "processed", kind: _id === 6 ? "b" : "a", processed_at: at(_id) })),
  );
  const since = ["requeue", "--processed-since", at(3).toISOString()];
  const dry = await home.run(...since, "--dry-run");
  assertMatch(dry.stderr, /^No index serves this: all 6 documents of the collection are read$/m);
  assertEquals(dry.stdout, "3  processed\n4  processed\n5  processed\n");
  await documentsOf(db).createIndex({ processed_at: 1 });
  const some = await home.run(...since, "--limit", "2");
  assertMatch(some.stderr, /^3 documents are selected \(3 processed\), with --before \S+Z\n2 requeued\n$/);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 2);
  assertMatch((await home.run(...since, "--before", "2026-02-03T04:05:06Z")).stderr, /^0 requeued$/m);
  assertMatch((await home.run("requeue", "--processed-since", "36500d")).stderr, /^3 requeued$/m);
  // FILTER does not count for an id.
  assertEquals((await home.run("requeue", "--id", "6")).stderr, "1 requeued\n");
});

Deno.test("requeue --filter that names no status takes failed and canceled documents alone", async () => {
  await using db = await testDatabase("requeue filter");
  await using home = await agentHome({ db });
  const statuses = ["pending", "processing", "processed", "failed", "canceled", "archived"];
  const scheduled = { visible_at: LATER } as never;
  await documentsOf(db).insertMany(statuses.map((status, _id) => ({ _id, status, _pull: scheduled })));
  const { stdout, stderr } = await home.run("requeue", "--filter", "{}", "--dry-run");
  assertEquals(stdout, "3  failed\n4  canceled\n");
  assertMatch(stderr, /^2 would be requeued$/m);
  const named = await home.run(
    "requeue",
    "--filter",
    '{"$or": [{"status": "processed"}, {"status": "pending"}]}',
  );
  assertMatch(named.stderr, /^2 requeued$/m);
  // A field of the same name within another is not the status of the document.
  await documentsOf(db).insertMany(
    [10, 11].map((_id) => ({
      _id,
      status: _id === 10 ? "failed" : "processed",
      order: { status: "paid" },
      items: [{ status: "paid" }],
    })),
  );
  for (
    const filter of [
      '{"order": {"status": "paid"}}',
      '{"items": {"$elemMatch": {"status": "paid"}}}',
      '{"$and": [{"items": {"$all": [{"status": "paid"}]}}]}',
    ]
  ) {
    assertEquals((await home.run("requeue", "--filter", filter, "--dry-run")).stdout, "10  failed\n", filter);
  }
});

Deno.test("requeue ends with the documents under way on SIGINT, after kill -9 nothing is lost or left behind, and the same command goes on", async () => {
  await using db = await testDatabase("requeue interrupted");
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
  await insertFailed(db, upTo(250));
  const pending = () => documentsOf(db).countDocuments({ status: "pending" });
  const args = ["requeue", "--failed"];

  const update = proxy.hold({ command: "update", collection: "documents" });
  const command = await home.start({ args });
  await update.arrived;
  command.signal("SIGINT");
  await waitFor("the signal to be noticed", () => command.stderr.includes("SIGINT"));
  update.pass();
  assertEquals((await command.exit()).code, 130);
  assertMatch(
    command.stderr,
    /200 of 250 requeued before SIGINT\nThe same command goes on with the rest\. With --before \S+Z it leaves out what has been processed or canceled, or has failed, again since its start\n$/,
  );
  assertEquals([await pending(), await lettersOf(db).countDocuments()], [200, 50]);

  // Killed between the write on a document and the removal of its letter.
  const removal = proxy.hold({ command: "delete", collection: "documents_dead_letters" });
  const killed = await home.start({ args });
  await removal.arrived;
  await waitFor("documents to be written", async () => await pending() > 200);
  await killed.kill9();
  removal.pass();
  const failed = () => documentsOf(db).countDocuments({ status: "failed" });
  const standing = async () => (await home.run("dead-letters", "list")).stderr;
  assertEquals(await standing(), `${await failed()} dead letters\n`);
  const rest = await home.run(...args);
  assertEquals(rest.code, 0, rest.stderr);
  assertEquals([await pending(), await failed(), await lettersOf(db).countDocuments()], [250, 0, 0]);
});

Deno.test("requeue refuses to guess which documents are meant, and times and options that say nothing", async () => {
  await using db = await testDatabase("requeue usage");
  await using home = await agentHome({ db });
  for (
    const [args, says] of [
      [[], "requeue needs to know which: give --id ID, --filter JSON, --failed or --processed-since TIME"],
      [
        ["--failed", "--id", "1"],
        "--id, --filter, --failed and --processed-since exclude each other: give one of them",
      ],
      [
        ["--id", "1", "--before", "2h"],
        "--before does nothing with --id, which names its documents: leave it out",
      ],
      [
        ["--processed-since", "yesterday"],
        '--processed-since is "yesterday": must be a date with its time zone',
      ],
      [["--processed-since", "2026-02-03T04:05"], "must be a date with its time zone"],
      [["--processed-since", "5"], "must be a date with its time zone"],
      [["--failed", "--before", "soon"], '--before is "soon"'],
      [["--failed", "--rate", "0"], '--rate is "0": must be a whole number from 1'],
      [["--filter", "[]"], "--filter must be a query"],
      [["--all"], "requeue knows no --all"],
    ] as const
  ) {
    const { code, stderr } = await home.run("requeue", ...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, says);
  }
  const refused = await home.run("requeue", "--filter", '{"$unknown": 1}');
  assertEquals([refused.code, refused.stderr.split("\n").length], [1, 2], refused.stderr);
  const none = await home.run("requeue", "--id", "nosuch");
  assertEquals([none.code, none.stderr], [1, 'There is no document with the id "nosuch"\n0 requeued\n']);
  assertStringIncludes((await home.run("redrive", "--failed")).stderr, "did you mean requeue?");
});

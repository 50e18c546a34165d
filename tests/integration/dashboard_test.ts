import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BSON } from "mongodb";
import type {
  DocumentAnswer,
  GroupsAnswer,
  LettersAnswer,
  OverviewAnswer,
  SessionAnswer,
} from "../../control/dashboard/api.ts";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { anyOf, DEAD_AT, insertFailed, insertFailedWith, lettersOf } from "../support/failed_documents.ts";
import { insertEntry } from "../support/fleet_entries.ts";
import { Guarded } from "../support/guarded.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("dashboard asks the database as often for twenty viewers who look again and again as for one who looks once", async () => {
  await using db = await testDatabase("dashboard viewers");
  await insertPending(db, upTo(50));
  await insertFailed(db, [101, 102]);
  await using proxy = new TcpProxy(db.uri);
  const paths = ["api/session", "api/overview", "api/groups", "api/actions", "api/jobs"];
  const commandsOf = async (viewers: number, looks: number) => {
    // What was read counts for as long as its clock stands still.
    const clock = new ManualClock();
    await using served = await ServedDashboard.start({ db: { uri: proxy.uri, name: db.name }, clock });
    const commands = await proxy.record(() =>
      Promise.all(Array.from({ length: viewers }, async () => {
        for (let look = 0; look < looks; look++) {
          for (const path of paths) await served.json(path);
        }
      }))
    );
    // What the driver does for its connections is not asked by a viewer.
    return commands.map(({ command }) => command).filter((name) => !["hello", "endSessions"].includes(name))
      .toSorted();
  };
  const one = await commandsOf(1, 1);
  assert(one.length > 0);
  assertEquals(await commandsOf(20, 3), one);
});

Deno.test("dashboard shows what was seen last while MongoDB is out of reach, and goes on by itself", async () => {
  await using db = await testDatabase("dashboard outage");
  await insertPending(db, [1]);
  await using proxy = new TcpProxy(db.uri);
  await using served = await ServedDashboard.start({ db: { uri: proxy.uri, name: db.name } });
  const first = await served.json<OverviewAnswer>("api/overview");
  assertEquals([first.overview?.source, first.trouble], [`${db.name}.documents`, null]);
  const held = proxy.hold({ command: "aggregate" });
  const during = await waitFor("the trouble to show", async () => {
    const seen = await served.json<OverviewAnswer>("api/overview");
    if (seen.trouble === null) throw new Error("none");
    return seen;
  });
  assertMatch(during.trouble!, /^MongoDB has not answered for \d+ s$/);
  assertEquals(during.overview, first.overview);
  assert(during.age_ms > 0);
  held.pass();
  await waitFor("the trouble to end", async () => {
    return (await served.json<OverviewAnswer>("api/overview")).trouble === null;
  });
});

Deno.test("dashboard tells the story of one document by its key, of any type, and shows the document only if asked", async () => {
  await using db = await testDatabase("dashboard document");
  const ids = [
    7,
    "7",
    '{"$numberInt":"7"}',
    new BSON.ObjectId(),
    new Date(0),
    { a: 1, b: "x" },
    2 ** 40,
    BSON.Long.MAX_VALUE,
  ];
  await anyOf(db).insertMany(
    ids.map((_id, at) => ({ _id, status: "pending", at, big: BSON.Long.MAX_VALUE })),
  );
  await using served = await ServedDashboard.start({ db });
  const typed = await served.json<DocumentAnswer>("api/document?id=7");
  assertEquals(typed.documents.map(({ key, text }) => [key, text]).toSorted(), [['"7"', null], [
    '{"$numberInt":"7"}',
    null,
  ]]);
  for (const [at, _id] of ids.entries()) {
    const key = BSON.EJSON.stringify(_id, { relaxed: false });
    const { documents } = await served.json<DocumentAnswer>(
      `api/document?document=1&key=${encodeURIComponent(key)}`,
    );
    assertEquals(documents.length, 1, key);
    const [{ story, text }] = documents as [DocumentAnswer["documents"][number]];
    const shown = JSON.parse(text!.json);
    assertEquals([shown.at, shown.big, text!.is_cut], [at, { $numberLong: "9223372036854775807" }, false]);
    assertEquals([story.state, story.found], ["claimable", true]);
  }
  const none = await served.json<DocumentAnswer>("api/document?id=nothing");
  assertEquals([none.documents, none.missing?.found], [[], false]);
  assertEquals((await served.ask("api/document")).status, 400);
});

Deno.test("dashboard bounds what it shows of the largest document, and keeps it JSON", async () => {
  await using db = await testDatabase("dashboard large");
  const large = "x".repeat(12 * 2 ** 20);
  await anyOf(db).insertOne({
    _id: 1,
    status: "pending",
    large,
    list: Array(100_000).fill({ a: 1 }),
    small: "y",
  });
  await using served = await ServedDashboard.start({ db });
  const { documents: [found] } = await served.json<DocumentAnswer>("api/document?id=1&document=1");
  const shown = JSON.parse(found!.text!.json);
  assertMatch(shown.large, /^\(\d+ bytes, not shown\)$/);
  assertEquals([shown.small, found!.text!.is_cut], ["y", true]);
  assert(found!.text!.json.length <= 1_000_100);
  assert(found!.text!.bytes > large.length);
});

Deno.test("dashboard lists letters by a cursor, each once, with ids of all types and letters of other collections between", async () => {
  await using db = await testDatabase("dashboard letters");
  const ids = [
    ...upTo(120),
    ...Array.from({ length: 80 }, (_, at) => `text ${at}`),
    ...Array.from({ length: 60 }, () => new BSON.ObjectId()),
    new Date(0),
    true,
    { a: 1 },
    "long ".repeat(1000),
    // Several pages of ids that fit into no address.
    ...Array.from({ length: 130 }, (_, at) => `${at} ${"y".repeat(20_000)}`),
  ];
  await insertFailedWith(db, ids, (at) => at % 2 ? `timed out after ${at} ms` : "no such customer");
  const other = {
    source: { database: db.name, collection: "others" },
    dead_at: DEAD_AT,
    error: "no such customer",
  };
  await lettersOf(db).insertMany(Array.from({ length: 300 }, (_, at) => ({ _id: 1000 + at, ...other })));
  // Stale: its document was processed since.
  await anyOf(db).updateOne({ _id: 5 }, { $set: { status: "processed" } });
  await using served = await ServedDashboard.start({ db });
  const half = ids.length / 2;
  const counts = [[undefined, 2 * half - 1], ["no such customer", half - 1], [
    "timed out after # ms",
    half,
  ]] as const;
  for (const [pattern, expected] of counts) {
    const seen: string[] = [];
    const wanted = pattern === undefined ? "" : `&pattern=${encodeURIComponent(pattern)}`;
    let next: string | null = null;
    do {
      const after: string = next === null ? "" : `&after=${encodeURIComponent(next)}`;
      const page: LettersAnswer = await served.json(`api/letters?${after}${wanted}`);
      seen.push(...page.letters.map(({ key, id }) => key ?? id));
      next = page.next;
      assert((next?.length ?? 0) <= 1000, `a cursor of ${next?.length}`);
      assert(seen.length <= ids.length, "some letters come again");
    } while (next !== null);
    assertEquals([seen.length, new Set(seen).size], [expected, expected], pattern);
  }
  for (const after of ["%7B", "kept%20nowhere"]) {
    assertEquals((await served.ask(`api/letters?after=${after}`)).status, 400);
  }
  const groups = await served.json<GroupsAnswer>("api/groups");
  assertEquals(groups.groups.map(({ letters, pattern }) => [pattern, letters]).toSorted(), [
    ["no such customer", ids.length / 2 - 1],
    ["timed out after # ms", ids.length / 2],
  ]);
  assertEquals([groups.letters, groups.groups_total, groups.is_complete], [ids.length - 1, 2, true]);
});

Deno.test("dashboard of a database user that may only find shows all, and offers no action", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserOfDashboard("only-reads");
  const db = guarded.client.db("shop");
  const documents = db.collection<AnyDocument>("documents");
  await documents.createIndex({ status: 1, "_pull.visible_at": 1, _id: 1 });
  await insertFailedWith({ db, name: "shop" }, [1], () => "no such customer");
  await insertEntry({ db }, "documents_agents", { name: "busy", held: 3, lives_ms: 600_000 });
  await using served = await ServedDashboard.start({ db: { uri: guarded.uri("only-reads"), name: "shop" } });
  const { about } = await served.json<SessionAnswer>("api/session");
  assertEquals(about!.actions.allowed, false);
  assertStringIncludes(about!.actions.why_not!, "The database user agent may only read");
  const overview = await waitFor(
    "the overview",
    async () => (await served.json<OverviewAnswer>("api/overview")).overview,
  );
  assertEquals([overview.notes, overview.agents.map(({ name }) => name)], [[], ["busy"]]);
  assertEquals([overview.work.dead_letters, overview.errors.length], [{ n: 1, capped: false }, 1]);
  for (const path of ["document?id=1&document=1", "groups", "letters", "actions", "jobs"]) {
    await served.json(`api/${path}`);
  }
  const groups = await waitFor("the groups", async () => {
    const answer = await served.json<GroupsAnswer>("api/groups");
    return answer.is_complete || answer.trouble !== null ? answer : undefined;
  });
  assertEquals([groups.letters, groups.trouble], [1, null]);
  for (
    const [path, more] of [["requeue", { key: '{"$numberInt":"1"}' }], ["pause", {}], ["letters/purge", {
      all: true,
    }]] as const
  ) {
    const refused = await served.ask(`api/${path}`, {}, { ...ACTOR, ...more });
    assertEquals([refused.status, JSON.parse(refused.body).error], [403, {
      kind: "forbidden",
      text:
        "The database user agent may only read: to act from here, start the dashboard with a user that may write",
    }]);
  }
  assertEquals(await documents.countDocuments({ status: "failed" }), 1);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import type {
  ActionsAnswer,
  GroupsAnswer,
  Job,
  JobsAnswer,
  LettersAnswer,
  OverviewAnswer,
} from "../../control/dashboard/api.ts";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { documentsOf, upTo } from "../support/documents.ts";
import { anyOf, DEAD_AT, insertFailed, insertFailedWith, lettersOf } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("dashboard redrives a group after its count was confirmed, no more than that, and notes who did it and why", async () => {
  await using db = await testDatabase("dashboard redrive");
  await insertFailedWith(
    db,
    upTo(500),
    (at) => at % 2 ? "the price service is down" : `row ${at} has no price`,
  );
  await using served = await ServedDashboard.start({ db });
  const asked = await served.json<{ job: Job }>("api/letters/redrive", {
    ...ACTOR,
    pattern: "the price service is down",
  });
  const { id } = asked.job;
  const counted = await served.jobIn("to_confirm", id);
  assertEquals([counted.count, counted.done], [250, 0]);
  assertEquals((await served.ask(`api/jobs/${id}/confirm`, {}, { count: 500 })).status, 409);
  // It comes after the count: not one more than was seen is changed.
  await insertFailedWith(db, [9000], () => "the price service is down");
  await served.json(`api/jobs/${id}/confirm`, { count: 250 });
  assertEquals((await served.ask(`api/jobs/${id}/confirm`, {}, { count: 250 })).status, 409);
  const done = await served.jobIn("done", id);
  assertEquals([done.done, done.refused, done.passed_over, done.by], [250, 0, 0, "Ada"]);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 250);
  assertEquals(await lettersOf(db).countDocuments({ error: "the price service is down" }), 1);
  assertEquals(await lettersOf(db).countDocuments(), 251);
  const log = await waitFor("the count in the log", async () => {
    const { actions } = await served.json<ActionsAnswer>("api/actions");
    if (actions[0]?.count !== 250) throw new Error(JSON.stringify(actions));
    return actions;
  });
  assertEquals(log.map(({ action, by, reason, what }) => [action, by, reason, what]), [
    ["redrive", "Ada", "the test wants it", "the error the price service is down"],
  ]);
  assertEquals((await served.json<JobsAnswer>("api/jobs")).jobs.map(({ state }) => state), ["done"]);
});

Deno.test("dashboard holds a purge to its rate and stops it between two batches, and before it was confirmed", async () => {
  await using db = await testDatabase("dashboard purge");
  await insertFailed(db, upTo(400));
  await using served = await ServedDashboard.start({ db });
  const { job: { id } } = await served.json<{ job: Job }>("api/letters/purge", {
    ...ACTOR,
    all: true,
    rate: 20,
  });
  await served.jobIn("to_confirm", id);
  await served.json(`api/jobs/${id}/confirm`, { count: 400 });
  await waitFor("the first letters to go", async () => {
    return (await served.json<{ job: Job }>(`api/jobs/${id}`)).job.done > 0;
  });
  const { job } = await served.json<{ job: Job }>(`api/jobs/${id}/stop`, {});
  assertEquals(job.state, "stopped");
  assert(job.done > 0 && job.done < 400, `${job.done}`);
  assertEquals(await lettersOf(db).countDocuments(), 400 - job.done);

  const keys = ['{"$numberInt":"399"}', '{"$numberInt":"400"}', '"400"'];
  const second = await served.json<{ job: Job }>("api/letters/purge", { ...ACTOR, keys });
  const counted = await served.jobIn("to_confirm", second.job.id);
  assertEquals(counted.count, 2);
  assertEquals((await served.json<{ job: Job }>(`api/jobs/${counted.id}/stop`, {})).job.state, "stopped");
  assertEquals((await served.ask(`api/jobs/${counted.id}/confirm`, {}, { count: 2 })).status, 409);
  assertEquals(await lettersOf(db).countDocuments(), 400 - job.done);
});

Deno.test("dashboard purges no letter that came after its count, also if it stands before all others", async () => {
  await using db = await testDatabase("dashboard purge late");
  await insertFailedWith(db, [10, 11, 12], () => "no price");
  await using served = await ServedDashboard.start({ db });
  const ask = { ...ACTOR, pattern: "no price" };
  const { job: { id } } = await served.json<{ job: Job }>("api/letters/purge", ask);
  assertEquals((await served.jobIn("to_confirm", id)).count, 3);
  // It would be the first one.
  await insertFailedWith(db, [1], () => "no price");
  const later = new Date(DEAD_AT.getTime() + 1);
  await anyOf(db).updateOne({ _id: 1 }, { $set: { "_pull.dead_at": later } });
  await lettersOf(db).updateOne({ _id: 1 }, { $set: { dead_at: later } });
  await served.json(`api/jobs/${id}/confirm`, { count: 3 });
  assertEquals((await served.jobIn("done", id)).done, 3);
  assertEquals(await lettersOf(db).distinct("_id"), [1]);
});

Deno.test("dashboard gives up the oldest job that no viewer confirms, so that those left open keep none from work", async () => {
  await using db = await testDatabase("dashboard left open");
  await insertFailed(db, upTo(3));
  await using served = await ServedDashboard.start({ db });
  const ask = { ...ACTOR, all: true };
  const ids: string[] = [];
  for (let at = 0; at < 10; at++) {
    const { job } = await served.json<{ job: Job }>("api/letters/redrive", ask);
    await served.jobIn("to_confirm", job.id);
    ids.push(job.id);
  }
  const { jobs } = await served.json<JobsAnswer>("api/jobs");
  assertEquals(jobs.map(({ id, state }) => [id, state]).toReversed(), [
    ...ids.slice(0, 2).map((id) => [id, "stopped"]),
    ...ids.slice(2).map((id) => [id, "to_confirm"]),
  ]);
  assertMatch(jobs.at(-1)!.error!, /^8 newer jobs wait to be confirmed/);
  await served.json(`api/jobs/${ids[9]}/confirm`, { count: 3 });
  assertEquals((await served.jobIn("done", ids[9]!)).done, 3);
});

Deno.test("dashboard redrives the letters of all other errors if there are more kinds than it counts by themselves", async () => {
  await using db = await testDatabase("dashboard other errors");
  const word = (at: number) => [...String(at)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  await insertFailedWith(db, upTo(1030), (at) => `no such ${word(at)}`);
  await using served = await ServedDashboard.start({ db });
  const { groups } = await waitFor("all letters to be read", async () => {
    const answer = await served.json<GroupsAnswer>("api/groups");
    return answer.is_complete ? answer : undefined;
  });
  assertEquals(groups.filter(({ pattern }) => pattern === null).map(({ letters }) => letters), [30]);
  let [listed, after]: [number, string | null] = [0, ""];
  while (after !== null) {
    const page: LettersAnswer = await served.json(
      `api/letters?others=1${after && `&after=${encodeURIComponent(after)}`}`,
    );
    listed += page.letters.length;
    after = page.next;
  }
  assertEquals(listed, 30);
  const { job } = await served.json<{ job: Job }>("api/letters/redrive", { ...ACTOR, others: true });
  assertEquals((await served.jobIn("to_confirm", job.id)).count, 30);
  await served.json(`api/jobs/${job.id}/confirm`, { count: 30 });
  await served.jobIn("done", job.id);
  assertEquals(await lettersOf(db).countDocuments(), 1000);
});

Deno.test("dashboard shows work as under way in its log, and as interrupted if its dashboard tells nothing any more", async () => {
  await using db = await testDatabase("dashboard interrupted");
  await insertFailed(db, upTo(100));
  await using served = await ServedDashboard.start({ db });
  const ask = { ...ACTOR, all: true, rate: 1 };
  const { job: { id } } = await served.json<{ job: Job }>("api/letters/purge", ask);
  await served.jobIn("to_confirm", id);
  await served.json(`api/jobs/${id}/confirm`, { count: 100 });
  const log = db.db.collection<AnyDocument>("documents_agents");
  const running = await waitFor("the action in the log", () => log.findOne({ action: "purge" }));
  // What a dashboard that was killed two minutes ago has left.
  const ago = new Date(running.running_at.getTime() - 120_000);
  await log.insertOne({
    ...running,
    _id: `action ${ago.toISOString()} killed`,
    at: ago,
    running_at: ago,
    count: 7,
  });
  // The same, and the server's clock was set back since.
  const ahead = new Date(running.running_at.getTime() + 120_000);
  await log.insertOne({ ...running, _id: `action ${ago.toISOString()} ahead`, at: ago, running_at: ahead });
  const states = async () => {
    const { actions } = await served.json<ActionsAnswer>("api/actions");
    return actions.map(({ state }) => state);
  };
  assertEquals(
    await waitFor("all in the log", async () => {
      const seen = await states();
      return seen.length === 3 ? seen : undefined;
    }),
    ["running", "interrupted", "interrupted"],
  );
  await served.json(`api/jobs/${id}/stop`, {});
  await waitFor("the end in the log", async () => (await states())[0] === "done");
});

Deno.test("dashboard requeues and cancels the one document that a key names, and says why it does not", async () => {
  await using db = await testDatabase("dashboard one");
  await anyOf(db).insertMany(
    [7, "7", '{"$numberInt":"7"}', '"7"'].map((_id) => ({ _id, status: "failed", error: "no" })),
  );
  await anyOf(db).insertOne({ _id: 8, status: "processed" });
  await using served = await ServedDashboard.start({ db });
  const key = '{"$numberInt":"7"}';
  assertEquals(await served.json("api/requeue", { ...ACTOR, key }), { text: "7 is requeued" });
  const pending = async () => (await anyOf(db).find({ status: "pending" }).toArray()).map(({ _id }) => _id);
  assertEquals(await pending(), [7]);
  const again = await served.ask("api/requeue", {}, { ...ACTOR, key });
  assertEquals([again.status, JSON.parse(again.body).error], [409, {
    kind: "conflict",
    text: "7 is left alone: pending and due already",
  }]);
  assertEquals(await served.json("api/requeue", { ...ACTOR, key: '"7"' }), { text: "7 is requeued" });
  assertEquals(await pending(), [7, "7"]);
  assertEquals(await served.json("api/cancel", { ...ACTOR, key }), { text: "7 is canceled" });
  assertEquals((await anyOf(db).findOne({ _id: 7 }))._pull.canceled.reason, ACTOR.reason);
  const refused = await served.ask("api/cancel", {}, { ...ACTOR, key: '{"$numberInt":"8"}' });
  assertEquals([refused.status, JSON.parse(refused.body).error.text], [
    409,
    "8 is not canceled: it is processed already",
  ]);
  assertEquals((await served.ask("api/cancel", {}, { ...ACTOR, key: '"nothing"' })).status, 404);
  const { actions } = await served.json<ActionsAnswer>("api/actions");
  assertEquals(actions.map(({ action, what }) => [action, what]), [["cancel", "7"], ["requeue", "7"], [
    "requeue",
    "7",
  ]]);
});

Deno.test("dashboard pauses and resumes the fleet with a name and a reason", async () => {
  await using db = await testDatabase("dashboard fleet");
  await using served = await ServedDashboard.start({ db });
  await served.json("api/pause", ACTOR);
  const control = () => db.db.collection<AnyDocument>("documents_agents").findOne({ _id: "control" });
  const { by, reason, state } = (await control())!;
  assertEquals([state, by, reason], ["paused", ACTOR.by, ACTOR.reason]);
  const { overview } = await served.json<OverviewAnswer>("api/overview");
  assertEquals([overview?.control?.state, overview?.control?.by], ["paused", ACTOR.by]);
  await served.json("api/resume", ACTOR);
  assertEquals((await control())!.state, "running");
  assertEquals((await served.ask("api/pause", {}, { ...ACTOR, by: "x".repeat(300) })).status, 400);
});

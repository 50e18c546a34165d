import { assert, assertEquals } from "@std/assert";
import { MAX_COUNTED } from "../../agent/events.ts";
import type { GroupsAnswer, Job, LettersAnswer } from "../../control/dashboard/api.ts";
import { ACTOR, ServedDashboard } from "../support/dashboard.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { insertFailedWith } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { profile } from "../support/profile.ts";
import { waitFor } from "../support/wait.ts";

const [WAITING, FAILED] = [12_000, 6000];
/** All letters are read in the background. */
const PATIENTLY = { timeoutMs: 60_000 };
/** No command reads more than that: what waits is counted by keys, and letters are read in batches. */
const MAX_DOCUMENTS = MAX_COUNTED + 10;

Deno.test("dashboard reads by indexes and in bounded batches for each of its answers", async () => {
  await using db = await testDatabase("dashboard plans");
  await insertPending(db, upTo(WAITING));
  await insertFailedWith(
    db,
    upTo(FAILED).map((at) => `failed ${String(at).padStart(6, "0")}`),
    (at) => at % 3 ? `timed out after ${at} ms` : "no such customer",
  );
  const newServed = () => ServedDashboard.start({ db });
  await using first = await newServed();
  await first.makeIndexes();
  await using served = await newServed();
  const answers: Record<string, () => Promise<unknown>> = {
    overview: () => served.json("api/overview"),
    document: () => served.json("api/document?id=7000&document=1"),
    "dead letter": () => served.json("api/document?id=failed%20003000&document=1"),
    "missing document": () => served.json("api/document?id=nowhere"),
    groups: () =>
      waitFor("all letters to be read", async () => {
        return (await served.json<GroupsAnswer>("api/groups")).is_complete;
      }, PATIENTLY),
    letters: async () => {
      const { letters, next } = await served.json<LettersAnswer>("api/letters");
      assertEquals(letters.length, 50);
      await served.json(`api/letters?after=${encodeURIComponent(next!)}`);
    },
    "letters of a group": () => served.json("api/letters?pattern=no%20such%20customer"),
    actions: () => served.json("api/actions"),
    jobs: () => served.json("api/jobs"),
    "count of a redrive": async () => {
      const { job } = await served.json<{ job: Job }>("api/letters/redrive", {
        ...ACTOR,
        pattern: "no such customer",
      });
      assertEquals((await served.jobIn("to_confirm", job.id, PATIENTLY)).count, FAILED / 3);
    },
  };
  let commands = 0;
  for (const [answer, ask] of Object.entries(answers)) {
    const asked = await profile(db, ask);
    commands += asked.length;
    for (const { command, docsExamined = 0, op, planSummary = "" } of asked) {
      const what = `${answer}: ${op} ${planSummary} ${docsExamined} ${JSON.stringify(command).slice(0, 400)}`;
      // What is nearly empty, or has no other index, is read as it is: the registry of the agents.
      const isRegistry = JSON.stringify(command).includes("documents_agents");
      assert(isRegistry || !planSummary.startsWith("COLLSCAN"), what);
      assert(docsExamined <= MAX_DOCUMENTS, what);
    }
    if (answer === "letters") {
      const read = asked.reduce((sum, { docsExamined = 0 }) => sum + docsExamined, 0);
      assert(read <= 4 * 61 + 10, `${read} documents for two pages of 50 letters`);
    }
  }
  assert(commands > 20, `${commands}`);
});

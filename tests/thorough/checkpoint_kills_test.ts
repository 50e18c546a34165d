import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const DOCUMENTS = 12;
const KILLS = 8;

/** A document of 30 pages. What is marked as confirmed, MongoDB has confirmed before; a run may fail at any page. */
const MODULE = `
  export default async ({ _id }, { checkpoint, saved, stopping }) => {
    let page = saved?.page ?? 0;
    mark("from " + _id + " " + page);
    for (; page < 30; page++) {
      stopping.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (Math.random() < 0.02) throw new Error("It failed at page " + page);
      if (Math.random() < 0.5) checkpoint({ page: page + 1 });
      else {
        await checkpoint({ page: page + 1 });
        mark("confirmed " + _id + " " + (page + 1));
      }
    }
    return { set: { pages: page } };
  };`;

Deno.test("checkpoint() is in the next run of its document once it is confirmed, however agents are killed and stopped", async () => {
  const random = testRandom(1);
  await using db = await testDatabase("kills");
  const documents = await insertPending(db, upTo(DOCUMENTS)) as AnyDocument;
  const env = { MAX_ATTEMPTS: "100", LEASE_DURATION: "1", CONCURRENCY: "4" };
  await using home = await agentHome({ db, module: MODULE, env });
  const confirmed = async () =>
    (await home.marks()).filter(({ text }) => text.startsWith("confirmed")).length;
  const agents: AgentProcess[] = [];
  for (let each = 0; each < 3; each++) agents.push(await home.start());
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await confirmed();
    const isDone = async () => await documents.countDocuments({ status: "processed" }) === DOCUMENTS;
    await waitFor("some to be confirmed", async () => await confirmed() > before + 3 || await isDone());
    const [agent] = agents.splice(Math.floor(random() * agents.length), 1);
    if (random() < 0.3) agent!.signal("SIGTERM");
    else await agent!.kill9();
    await agent!.exit();
    agents.push(await home.start());
  }
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === DOCUMENTS,
  );
  const latest = new Map<string, number>();
  let goesOn = 0;
  for (const { text } of await home.marks()) {
    const [what, id, page] = text.split(" ") as [string, string, string];
    if (what === "confirmed") latest.set(id, Number(page));
    else {
      assert(Number(page) >= (latest.get(id) ?? 0), `${text}, and ${latest.get(id)} was confirmed`);
      if (Number(page) > 0) goesOn += 1;
    }
  }
  assert(goesOn > 0, "no run went on from a checkpoint");
  const stored = await documents.find().toArray();
  assertEquals(stored.map(({ pages }: AnyDocument) => pages), Array(DOCUMENTS).fill(30));
  assert(stored.every(({ _pull }: AnyDocument) => Object.keys(_pull).join() === "attempts"));
});

import { agentHome } from "../support/agent_home.ts";
import { A_BROWSER, startBrowser, type TestPage } from "../support/browser.ts";
import { startDashboard } from "../support/dashboard_process.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(A_BROWSER);

/**
 * It looks up a price for each order, in a file that stands for the service: without it the service is down. What is slow
 * takes until the warehouse is open, another file.
 */
const PROCESSOR =
  `const isThere = (name) => Deno.stat(Deno.env.get("MARKS") + name).then(() => true, () => false);
export default async ({ _id, lines, slow }) => {
  while (slow && !await isThere(".warehouse")) await new Promise((resolve) => setTimeout(resolve, 50));
  if (lines === undefined) throw Object.assign(new Error("order " + _id + " has no lines"), { permanent: true });
  if (!await isThere(".prices")) throw new Error("the price service does not answer");
};`;
const SETTINGS = {
  // Each failure is a dead letter: those of the few documents that are tried while the service is down.
  MAX_ATTEMPTS: "1",
  BREAKER_THRESHOLD: "4",
  BREAKER_COOLDOWN: "1",
  CONCURRENCY: "2",
  BATCH_SIZE: "10",
  LEASE_DURATION: "20",
};

/** What an operator does: reads and presses, in the browser alone. */
async function give(page: TestPage, reason: string, verb: string): Promise<void> {
  await page.type("Reason", reason);
  await page.type("Your name", "ben");
  await page.press(verb, { within: "dialog " });
}

async function goTo(page: TestPage, name: "Overview" | "Dead letters"): Promise<void> {
  await page.press(name, { role: "link" });
}

Deno.test({
  name:
    "dashboard alone leads an operator from a forgotten pause, one bad document, a service that is down and a backlog to work that moves",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard walk");
    const documents = documentsOf(db);
    const insert = (names: readonly string[], fields: object = { lines: [1] }) =>
      documents.insertMany(names.map((_id) => ({ _id, status: "pending", ...fields })) as AnyDocument[]);
    const orders = (kind: string, n: number) =>
      Array.from({ length: n }, (_, at) => `${kind}-${"abcdefghij"[at % 10]}${at}`);
    await using home = await agentHome({
      db,
      module: PROCESSOR,
      env: { ...SETTINGS, AGENT_NAME: "orders-a" },
    });
    const prices = `${home.marksFile}.prices`;
    await Deno.writeTextFile(prices, "");
    const agent = await home.startReady();
    await home.run("pause", "--fleet", "--by", "anna", "--reason", "the move of the price service");
    await insert(orders("first", 5));
    const { address } = await startDashboard(home, { args: ["--allow-actions"] });
    await using browser = await startBrowser();
    const page = await browser.open(address);

    // Why does nothing move? A pause that anna forgot.
    await page.untilText(
      /Paused All agents were paused by anna .*“the move of the price service”; 5 wait/,
      ".verdict",
    );
    await page.press("Resume all…");
    await give(page, "the move is over", "Resume all");
    await agent.untilStatus("the first orders", ({ counters }) => counters.processed === 5);
    await page.untilText(/^(Moving|At work|Idle)/, ".verdict");

    // What fails, why is it not done, and how does it go on? One bad document.
    await insert(["bad"], {});
    await page.untilText(/order bad has no lines|order … has no lines/, "[aria-labelledby=errors]");
    await page.press("bad", { role: "link" });
    await page.untilText("order bad has no lines", "[aria-label=Attempts]");
    await page.untilText("failed", ".node.now");
    await documents.updateOne({ _id: "bad" } as never, { $set: { lines: [1] } as never });
    await page.press("Requeue…");
    await give(page, "the order has its lines now", "Requeue");
    await page.untilText("processed", ".node.now");

    // The service behind the handler is down: the agent says so, few documents pay for it, and it goes on by itself.
    await Deno.remove(prices);
    await insert(orders("second", 30));
    await goTo(page, "Overview");
    await page.untilText("orders-a: the processor fails", ".findings");
    await page.untilText("the price service does not answer", "[aria-labelledby=errors]");
    await Deno.writeTextFile(prices, "");
    await agent.untilStatus("work again", ({ counters, ready }) => ready && counters.processed > 6);
    await goTo(page, "Dead letters");
    await page.press("Redrive all…");
    await give(page, "the price service is back", "Count them first");
    const counted = await page.untilText(/\d+ letters? will become pending documents again/, ".job");
    const [, noun, count] = /((\d+) letters?) will become/.exec(counted)!;
    await page.type(`${noun} will become pending documents again. Type ${count} to go on:`, count!);
    await page.press(`Redrive ${count}`);
    await page.untilText(`Redrove ${noun}`, ".job");
    await page.untilText("No dead letters");
    await agent.untilStatus("all orders", ({ counters }) => counters.processed === 36);

    // A backlog: how much, for how long, and who works.
    await insert(orders("third", 60), { lines: [1], slow: true });
    await goTo(page, "Overview");
    await page.untilText(/1 agent, [3-5]\d wait/, ".verdict");
    await using other = await agentHome({
      db,
      module: PROCESSOR,
      env: { ...SETTINGS, AGENT_NAME: "orders-b" },
    });
    await Deno.writeTextFile(`${other.marksFile}.prices`, "");
    await other.startReady();
    await page.untilText("orders-b", "table.agents");
    await page.untilText(/2 agents, \d+ wait/, ".verdict");
    for (const { marksFile } of [home, other]) await Deno.writeTextFile(`${marksFile}.warehouse`, "");
    await page.untilText(/2 agents.*, nothing waits/, ".verdict");
    await waitFor(
      "all orders",
      async () => await documents.countDocuments({ status: { $ne: "processed" } }) === 0,
    );
    page.assertQuiet();
  },
});

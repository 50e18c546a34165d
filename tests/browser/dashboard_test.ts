import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { A_BROWSER, startBrowser, type TestPage } from "../support/browser.ts";
import { startDashboard } from "../support/dashboard_process.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(A_BROWSER);

/** Its error would run as a script, if the page took it for HTML. */
const ATTACK = `<img src=x onerror="document.title='attacked'">`;
const FAILING = `export default async ({ _id, fails }) => {
  if (fails) throw new Error("no price for " + _id.length + " " + ${JSON.stringify(ATTACK)});
  if (_id === "hangs") await new Promise(() => {});
};`;
const SETTINGS = {
  MAX_ATTEMPTS: "2",
  AGENT_NAME: `agent-${ATTACK}`,
  PROCESS_TIMEOUT: "1h",
  LEASE_DURATION: "20",
};

async function find(page: TestPage, id: string): Promise<void> {
  await page.type("Find a document by its id", id);
  await page.tab.keyboard.press("Enter");
  await page.untilText(id, "main h1");
}

/** Says who acts and why in the dialog that is open, and presses its button. */
async function give(page: TestPage, reason: string, verb: string): Promise<void> {
  await page.type("Reason", reason);
  await page.type("Your name", "anna");
  await page.press(verb, { within: "dialog " });
}

Deno.test({
  name: "dashboard shows the fleet and follows it, and the story of a document with its errors as text",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard page");
    await documentsOf(db).insertMany([
      { _id: "failing", status: "pending", fails: true, secret: ATTACK },
      { _id: "hangs", status: "pending" },
      { _id: "later", status: "pending", _pull: { visible_at: new Date(Date.now() + 3_600_000) } },
    ] as AnyDocument[]);
    await using home = await agentHome({ db, module: FAILING, env: SETTINGS });
    const agent = await home.startReady();
    await agent.untilStatus("the dead letter", ({ counters }) => counters.dead_lettered === 1);
    const { address } = await startDashboard(home);
    await using browser = await startBrowser();
    const page = await browser.open(address);

    await page.untilText("1 agent", "header");
    await page.untilText(`agent-${ATTACK}`, "table.agents");
    await page.untilText("the next is due in", ".tiles");
    await page.untilText(/no price for …? ?.*<img src=x onerror=/, "[aria-labelledby=errors]");
    assertEquals(await page.tab.evaluate("document.querySelectorAll('.uplot canvas').length"), 4);
    assertStringIncludes(await page.text("header"), "read-only");
    assert(!await page.has("Pause all…"), "a read-only page offers to pause");

    await documentsOf(db).insertMany(
      Array.from({ length: 25 }, (_, at) => ({ _id: `more-${at}`, status: "pending" })) as AnyDocument[],
    );
    await waitFor("the new documents in the chart", async () => {
      const rows = String(
        await page.tab.evaluate(`document.querySelector("[aria-label^='Processed per second']").ariaLabel`),
      );
      return !rows.includes("at most 0,");
    });
    // As an agent counts them that finds as many as it counts, or more.
    const counted = { at: new Date(Date.now() - 120_000), claimable: 10_000, capped: true };
    await waitFor("a backlog that an agent has counted", async () => {
      const agents = db.db.collection<AnyDocument>(`${documentsOf(db).collectionName}_agents`);
      const push = { $push: { counts: { $each: [counted], $position: 0 } } } as never;
      return (await agents.updateOne({ _id: /^backlog /, turn: null, counts: { $exists: true } }, push))
        .matchedCount;
    });
    await page.untilText("at least", ".chart:last-child");
    const summary = await page.tab.evaluate(
      `document.querySelector("[aria-label^='Documents that']").ariaLabel`,
    );
    assertStringIncludes(String(summary), "at most 10,000 or more, now");

    await find(page, "failing");
    await page.untilText(/Attempt 2 failed .* no price for 7 <img src=x onerror=/, "[aria-label=Attempts]");
    const drawing = String(
      await page.tab.evaluate(`document.querySelector("svg.drawing").getAttribute("aria-label")`),
    );
    assertEquals(drawing, "It is failed, and was pending, processing, waiting");
    assert(!(await page.text()).includes("secret"), "the document is shown unasked");
    await page.press("Show it");
    await page.untilText(`"secret": "${ATTACK.replaceAll('"', '\\"')}"`, "pre.document");
    await find(page, "hangs");
    await page.untilText("processing", ".node.now");
    await find(page, "later");
    await page.untilText(/due in \d+ min/, ".node.now");
    await find(page, "nowhere");
    await page.untilText("There is no document with this id");

    assert(!(await page.tab.title()).includes("attacked"), "a text was run as a script");
    page.assertQuiet();
  },
});

Deno.test({
  name:
    "dashboard requeues, cancels, redrives and purges by count, pauses and resumes, each with a reason in its log",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard actions");
    const documents = documentsOf(db);
    const ids = ["a", "bb", "ccc"].map((name) => `bad-${name}`);
    await documents.insertMany(
      [...ids.map((_id) => ({ _id, status: "pending", fails: true })), {
        _id: "hangs",
        status: "pending",
      }] as AnyDocument[],
    );
    await using home = await agentHome({ db, module: FAILING, env: SETTINGS });
    const agent = await home.startReady();
    await agent.untilStatus("the dead letters", ({ counters }) => counters.dead_lettered === 3);
    const { address } = await startDashboard(home, { args: ["--allow-actions"] });
    await using browser = await startBrowser();
    const page = await browser.open(`${address}#/letters`);

    // All three are one group: their errors differ in a number.
    await page.untilText(/3 in .*documents_dead_letters/, "main");
    await documents.updateMany({ fails: true }, { $unset: { fails: "" } });
    await page.press("Choose bad-a", { role: "checkbox" });
    await page.press("Purge 1…");
    await give(page, "a test order", "Count them first");
    await page.untilText("1 letter will be deleted for good. Type 1 to go on", ".job");
    await page.type("1 letter will be deleted for good. Type 1 to go on:", "2");
    assertEquals(
      await page.tab.evaluate(`document.querySelector(".confirm button").disabled`),
      true,
      "a wrong count is taken",
    );
    await page.type("1 letter will be deleted for good. Type 1 to go on:", "1");
    await page.press("Purge 1");
    await page.untilText("Purged 1 letter", ".job");
    await page.press("Redrive all…");
    await give(page, "the price service is back", "Count them first");
    await page.type("2 letters will become pending documents again. Type 2 to go on:", "2");
    await page.press("Redrive 2");
    await page.untilText("Redrove 2 letters", ".job");
    await agent.untilStatus("the redriven documents", ({ counters }) => counters.processed === 2);
    await page.untilText("No dead letters");

    await find(page, "bad-a");
    await page.press("Requeue…");
    await give(page, "the order is real", "Requeue");
    await agent.untilStatus("the requeued document", ({ counters }) => counters.processed === 3);
    await page.untilText("processed", ".node.now");
    await find(page, "hangs");
    await page.press("Cancel…");
    await give(page, "it hangs", "Cancel the document");
    await page.untilText("canceled", ".node.now");
    await agent.untilStatus("the canceled document", ({ counters }) => counters.canceled === 1);

    await page.tab.evaluate(`location.hash = "#/overview"`);
    await page.press("Pause all…");
    await give(page, "the price service is down", "Pause all");
    await agent.untilStatus("the pause", ({ control }) => control.state === "paused");
    await page.untilText(
      /^Paused All agents were paused by anna .* ago: “the price service is down”; /,
      ".verdict",
    );
    await page.press("Resume all…");
    await give(page, "it is up", "Resume all");
    await agent.untilStatus("the end of the pause", ({ control }) => control.state === "running");
    await page.untilText(/^(Moving|At work|Idle)/, ".verdict");

    await page.tab.evaluate(`location.hash = "#/actions"`);
    const log = await page.untilText("it is up", "tbody");
    const inOrder = ["resume", "pause", "cancel hangs", "requeue bad-a", "redrive", "purge"].map((it) =>
      log.indexOf(it)
    );
    assertEquals(inOrder.toSorted((a, b) => a - b), inOrder, log);
    assert(!inOrder.includes(-1), log);
    page.assertQuiet();
  },
});

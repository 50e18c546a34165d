import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { A_BROWSER, startBrowser } from "../support/browser.ts";
import { startDashboard } from "../support/dashboard_process.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { insertFailed } from "../support/failed_documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(A_BROWSER);

/** All that a first visit loads has fewer bytes over the wire than that. */
const MAX_BYTES = 150_000;
const LOADED = `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map(({ name, transferSize }) => [name, transferSize])`;
const PAINTED = `performance.getEntriesByName("first-contentful-paint").length`;

Deno.test({
  name:
    "dashboard loads fewer than 150 KB in all, from few files, and paints before it has asked anything of MongoDB",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard weight");
    await insertPending(db, upTo(300));
    await insertFailed(db, upTo(250).map((id) => 1000 + id));
    await using home = await agentHome({ db });
    const { address } = await startDashboard(home, { args: ["--allow-actions"] });
    await using browser = await startBrowser();
    const page = await browser.open("about:blank");
    const { tab } = page;
    // As if neither MongoDB nor the dashboard knew the answers yet.
    await tab.setRequestInterception(true);
    const held: string[] = [];
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    tab.on("request", async (request) => {
      const isAnswer = request.url().startsWith(`${address}api/`);
      if (isAnswer) {
        held.push(request.url().slice(address.length));
        await released;
      }
      await request.continue();
    });
    await tab.goto(address);
    await waitFor("the first paint", async () => await tab.evaluate(PAINTED) === 1);
    assertStringIncludes(await page.text("header"), "pulling-agent");
    await waitFor("the first question", () => held.length > 0);
    assertEquals(held, ["api/session"]);
    release();
    await tab.waitForSelector(".tiles");

    const loaded = await tab.evaluate(LOADED) as [url: string, bytes: number][];
    const files = loaded.map(([url]) => url.slice(address.length)).filter((path) => !path.startsWith("api/"));
    assertEquals(new Set(files), new Set(["", "icon.svg", "page.css", "page.js", "theme.js"]));
    const total = loaded.reduce((sum, [, bytes]) => sum + bytes, 0);
    assert(loaded.every(([, bytes]) => bytes > 0), JSON.stringify(loaded));
    assert(total < MAX_BYTES, `${total} bytes over the wire: ${JSON.stringify(loaded)}`);
  },
});

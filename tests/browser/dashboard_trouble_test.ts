import { assertEquals, assertStringIncludes } from "@std/assert";
import { MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome, CALM } from "../support/agent_home.ts";
import { A_BROWSER, startBrowser } from "../support/browser.ts";
import { startDashboard } from "../support/dashboard_process.ts";
import { isMissing } from "../support/optional.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(A_BROWSER);

const PROCESSOR = "export default async () => {};";

Deno.test({
  name:
    "dashboard shows an agent that dies, a MongoDB that is gone and back, and that it is gone itself, while one looks",
  ignore,
  async fn() {
    await using server = await startMongod({ replicaSet: true });
    await using client = new MongoClient(server.uri);
    await client.db("trouble").createCollection("documents");
    const db = { uri: server.uri, name: "trouble" };
    await using home = await agentHome({ db, module: PROCESSOR, env: { ...CALM, AGENT_NAME: "stays" } });
    await using other = await agentHome({ db, module: PROCESSOR, env: { ...CALM, AGENT_NAME: "dies" } });
    await home.startReady();
    const dying = await other.startReady();
    const { address, process } = await startDashboard(home);
    await using browser = await startBrowser();
    const page = await browser.open(address);
    await page.untilText("2 agents", ".verdict");

    await dying.kill9();
    await waitFor(
      "the dead agent",
      async () => /dies (died|is silent)/.test(await page.text(".findings")),
    );
    assertStringIncludes(await page.text(".verdict"), "1 agent");

    await server.kill();
    await waitFor(
      "the loss of MongoDB",
      async () => (await page.text("[role=alert]")).includes("What is shown is old"),
    );
    assertEquals(await page.tab.evaluate(`document.querySelector("main").className`), "stale");
    assertStringIncludes(await page.text("table.agents"), "stays", "what was seen last is gone");
    await server.start();
    await waitFor("MongoDB to be back", async () => await page.tab.$("main.stale") === null);
    assertEquals(await page.text("[role=alert]"), "");

    process.signal("SIGKILL");
    await page.untilText("The connection to the dashboard is lost since");
    assertStringIncludes(await page.text("table.agents"), "stays");
  },
});

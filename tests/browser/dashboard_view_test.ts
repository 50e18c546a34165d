import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { A_BROWSER, startBrowser, type TestPage } from "../support/browser.ts";
import { startDashboard } from "../support/dashboard_process.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { waitFor } from "../support/wait.ts";
import type { AnyDocument } from "../support/store.ts";

const ignore = await isMissing(A_BROWSER);

/** The pages, and what is on them alone. */
const PAGES = {
  "overview": ".tiles",
  "document?id=failed": ".story",
  "letters": "[aria-labelledby=letters] tbody tr",
  "actions": "#actions-title",
};
/** What sticks out of the screen, if the page can be scrolled to the side. */
const TOO_WIDE =
  `document.documentElement.scrollWidth <= innerWidth ? [] : [document.documentElement.scrollWidth,
  ...[...document.querySelectorAll("main *, header *")].filter((it) => it.getBoundingClientRect().right > innerWidth).map((it) => it.outerHTML.slice(0, 200))]`;
const TOKEN = "0123456789abcdef0123456789abcdef";
const DEAD_AT = new Date(1e12);
const LONG = "a-name-without-a-single-blank-".repeat(12);

async function colorOf(page: TestPage): Promise<string> {
  return String(await page.tab.evaluate("getComputedStyle(document.body).backgroundColor"));
}

function focused(page: TestPage): Promise<unknown> {
  return page.tab.evaluate("document.activeElement.id || document.activeElement.tagName");
}

Deno.test({
  name: "dashboard works by keyboard alone, in both colours, on a phone, and below a base",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard view");
    const failed = (_id: string) => ({
      _id,
      status: "failed",
      error: LONG,
      _pull: { dead_at: DEAD_AT, attempts: 5 },
    });
    await documentsOf(db).insertMany([failed("failed"), failed(LONG)] as AnyDocument[]);
    await db.db.collection("documents_dead_letters").insertMany(
      ["failed", LONG].map((_id) => ({
        _id,
        collection: "documents",
        error: `${LONG} ${_id}`,
        attempts: 5,
        dead_at: DEAD_AT,
      })) as AnyDocument[],
    );
    await using home = await agentHome({ db });
    const { address } = await startDashboard(home, { args: ["--base", "/ops/agents", "--allow-actions"] });
    assertEquals(new URL(address).pathname, "/ops/agents/");
    await using browser = await startBrowser();
    const page = await browser.open(address);
    const { keyboard } = page.tab;

    // A newcomer is told what to do.
    await page.untilText("Start one: pulling-agent run");
    await keyboard.press("?");
    await page.untilText("find a document by its id", "dialog");
    await keyboard.press("Escape");
    await page.tab.waitForSelector("dialog", { hidden: true });
    await keyboard.press("/");
    assertEquals(await focused(page), "find");
    await keyboard.type("failed");
    await keyboard.press("Enter");
    await page.untilText("failed", "main h1");
    await keyboard.press("g");
    await keyboard.press("l");
    await page.untilText("By error");
    await page.tab.waitForSelector("[aria-labelledby=letters] tbody tr");
    await page.tab.focus("[aria-labelledby=letters] tbody tr");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowUp");
    assertEquals(await focused(page), "TR");
    await page.press("Redrive all…");
    await waitFor(
      "the focus on the first field of the dialog",
      async () => await page.tab.evaluate("document.activeElement.name") === "reason",
    );
    await keyboard.press("Escape");
    await page.tab.waitForSelector("dialog", { hidden: true });
    assertEquals(
      await page.tab.evaluate("document.activeElement.textContent"),
      "Redrive all…",
      "the focus is lost",
    );

    const light = await colorOf(page);
    await keyboard.press("t");
    const dark = await colorOf(page);
    assert(light !== dark, light);
    await page.tab.reload();
    await page.untilText("Dark", "header");
    assertEquals(await colorOf(page), dark, "the choice is forgotten");
    page.assertQuiet();

    const phone = await browser.open(address, { width: 360, height: 720, colors: "dark" });
    for (const [name, mark] of Object.entries(PAGES)) {
      await phone.tab.evaluate(`location.hash = "#/${name}"`);
      await phone.tab.waitForSelector(mark);
      assertEquals(await phone.tab.evaluate(TOO_WIDE), [], `${name} is wider than a phone`);
    }
    assertEquals(await colorOf(phone), dark);
    phone.assertQuiet();
  },
});

Deno.test({
  name: "dashboard asks for its token, refuses a wrong one, and shows nothing before and after",
  ignore,
  async fn() {
    await using db = await testDatabase("dashboard login");
    await using home = await agentHome({ db });
    const file = await home.write("token", `${TOKEN}\n`);
    const { address } = await startDashboard(home, { env: { DASHBOARD_TOKEN_FILE: file } });
    await using browser = await startBrowser();
    const page = await browser.open(address);
    await page.untilText("DASHBOARD_TOKEN_FILE");
    assert(!(await page.text()).includes(db.name), "the name of the database is told before the login");
    await page.type("Token", "wrong");
    await page.press("Log in");
    await page.tab.waitForSelector("[role=alert]");
    await page.type("Token", TOKEN);
    await page.press("Log in");
    await page.untilText(`${db.name}.documents`, "header");
    await page.tab.reload();
    await page.untilText(`${db.name}.documents`, "header");
    await page.press("Log out");
    await page.untilText("DASHBOARD_TOKEN_FILE");
    await page.tab.reload();
    await page.untilText("DASHBOARD_TOKEN_FILE");
  },
});

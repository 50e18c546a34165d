/**
 * A real browser for the tests of the dashboard: Debian's Chromium, driven by puppeteer-core.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import puppeteer, { type Browser, type ElementHandle, type Page } from "puppeteer-core";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import type { Requirement } from "./optional.ts";
import { DEFAULT_TIMEOUT_MS, waitFor } from "./wait.ts";

const CHROMIUM = Deno.env.get("CHROMIUM_BIN") ?? "/usr/bin/chromium";

/** A Chromium. */
export const A_BROWSER: Requirement = {
  what: "tests of the dashboard in a browser",
  why: "there is no Chromium here",
  install: "sh scripts/ci_tools.sh installs it, or set CHROMIUM_BIN",
  probe: [CHROMIUM, "--version"],
};

/** It asks nothing of the network but what the page asks for. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What can be chosen for a page. */
export interface ViewOptions {
  /** In pixels; a laptop's unless given. */
  width?: number;
  height?: number;
  /** What the system says; light unless given. */
  colors?: "light" | "dark";
}

/** Starts a browser with a profile of its own; `await using` ends it. */
export async function startBrowser(): Promise<TestBrowser> {
  const profile = await newScratchDir("browser");
  const browser = await puppeteer.launch({ executablePath: CHROMIUM, userDataDir: profile, args: FLAGS });
  return new TestBrowser(browser, profile);
}

/** Use {@linkcode startBrowser}. */
class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #profile: string;

  constructor(browser: Browser, profile: string) {
    this.#browser = browser;
    this.#profile = profile;
  }

  /** Opens an address in a new tab. */
  async open(
    address: string,
    { width = 1280, height = 800, colors = "light" }: ViewOptions = {},
  ): Promise<TestPage> {
    const tab = await this.#browser.newPage();
    tab.setDefaultTimeout(DEFAULT_TIMEOUT_MS);
    const page = new TestPage(tab, address);
    await tab.setViewport({ width, height });
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: colors }]);
    await tab.goto(address);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await removeScratchDir(this.#profile);
  }
}

/** A tab. It notes what a viewer does not see: errors of scripts, breaches of the policy, requests to other places. */
export class TestPage {
  readonly tab: Page;
  /** Errors and refused loads, in the words of the browser. */
  readonly complaints: string[] = [];
  readonly #origin: string;
  readonly #foreign: string[] = [];

  constructor(tab: Page, address: string) {
    this.tab = tab;
    this.#origin = new URL(address).origin;
    tab.on("pageerror", (error) => this.complaints.push(String(error)));
    tab.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    tab.on("request", (request) => {
      if (!request.url().startsWith(`${this.#origin}/`)) this.#foreign.push(request.url());
    });
  }

  /** What a viewer reads, blanks and lines as one blank each. */
  async text(selector = "body"): Promise<string> {
    const text = await this.tab.evaluate(
      `[...document.querySelectorAll(${
        JSON.stringify(selector)
      })].map((it) => it.innerText ?? it.textContent).join(" ")`,
    );
    return String(text).replaceAll(/\s+/g, " ");
  }

  /** Resolves once the viewer reads that, and with all that is there then. */
  async untilText(wanted: string | RegExp, selector = "body"): Promise<string> {
    return await waitFor(`${wanted} in ${selector}`, async () => {
      const text = await this.text(selector);
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return text;
      // The message of the failure shows it.
      throw new Error(text);
    });
  }

  /** Presses what has that name, as assistive technology reads it out; `within` is a selector. */
  async press(
    name: string,
    { role = "button", within = "" }: { role?: string; within?: string } = {},
  ): Promise<void> {
    const element = await this.#named(name, role, within);
    await element.click();
    await element.dispose();
  }

  /** Types into the field of that name, over what is in it. */
  async type(name: string, text: string): Promise<void> {
    const field = await this.#named(name, "textbox, searchbox, spinbutton", "");
    await field.click({ count: 3 });
    await field.type(text);
    await field.dispose();
  }

  /** Whether there is something of that name. */
  async has(name: string, role = "button"): Promise<boolean> {
    const element = await this.tab.$(`::-p-aria([name="${name}"][role="${role}"])`);
    await element?.dispose();
    return element !== null;
  }

  /** Fails if the browser complained, or asked another place for anything. */
  assertQuiet(): void {
    assertEquals({ complaints: this.complaints, foreign: this.#foreign }, { complaints: [], foreign: [] });
  }

  async #named(name: string, roles: string, within: string): Promise<ElementHandle> {
    return await waitFor(`${roles} ${JSON.stringify(name)}`, async () => {
      for (const role of roles.split(", ")) {
        const element = await this.tab.$(`${within}::-p-aria([name="${name}"][role="${role}"])`.trim());
        if (element !== null) return element;
      }
      return undefined;
    });
  }
}

import type { TestPage } from "../../tests/support/browser.ts";
import { startBrowser } from "../../tests/support/browser.ts";
import { spreadOf } from "../stats.ts";

const LOADS = 9;

/** What a browser needs to show a page, in milliseconds and in bytes as they come over the wire. */
export interface PaintFigure {
  median: number;
  most: number;
  /** The median time until the numbers of the fleet are seen. */
  numbers: number;
  bytes: number;
}

/** Opens a dashboard again and again, each time as for the first time. */
export async function measureFirstPaint(address: string): Promise<PaintFigure> {
  await using browser = await startBrowser();
  const [paints, numbers]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let load = 0; load < LOADS; load++) {
    const page = await browser.open("about:blank");
    await page.tab.setCacheEnabled(false);
    await page.tab.goto(address);
    await page.tab.waitForSelector(".tiles");
    numbers.push(Number(await page.tab.evaluate("performance.now()")));
    paints.push(await paintOf(page));
    bytes = Number(await page.tab.evaluate(TRANSFERRED));
    await page.tab.close();
  }
  const { median, most } = spreadOf(paints);
  return { median, most, numbers: spreadOf(numbers).median, bytes };
}

async function paintOf({ tab }: TestPage): Promise<number> {
  return Number(
    await tab.evaluate(`performance.getEntriesByName("first-contentful-paint")[0].startTime`),
  );
}

/** All that was loaded, with the headers of the answers. */
const TRANSFERRED =
  `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, { transferSize }) => sum + transferSize, 0)`;

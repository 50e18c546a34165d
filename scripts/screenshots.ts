/**
 * Makes the pictures of docs/dashboard.md: three agents, work and failures for two minutes, and a browser that looks.
 *
 *     deno task screenshots
 *
 * @module
 */

import { MongoClient } from "mongodb";
import { agentHome } from "../tests/support/agent_home.ts";
import { startBrowser } from "../tests/support/browser.ts";
import { startDashboard } from "../tests/support/dashboard_process.ts";
import { startMongod } from "./mongod.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const IMAGES = `${ROOT}docs/images`;
const DATABASE = "shop";
const MINUTES_MS = 130_000;
const PROCESSOR = `export default async ({ _id }, { attempt }) => {
  const number = Number(_id.slice(6));
  await new Promise((resolve) => setTimeout(resolve, 20 + number % 7 * 40));
  if (number % 40 === 0) throw new Error("price service answered 503 for order " + number);
  if (number % 97 === 0) throw new TypeError("Cannot read properties of undefined (reading 'price')");
  if (number % 31 === 0 && attempt === 1) throw new Error("connection reset by prices.shop.internal");
};`;

Deno.env.set("TEST_AGENT_BINARY", `${ROOT}dist/pulling-agent`);
await Deno.mkdir(IMAGES, { recursive: true });
await using server = await startMongod({ replicaSet: true });
await using client = new MongoClient(server.uri);
const orders = client.db(DATABASE).collection<{ _id: string; status: string }>("documents");
const db = { uri: server.uri, name: DATABASE };
const env = {
  MAX_ATTEMPTS: "3",
  RETRY_BACKOFF: "2s",
  RETRY_BACKOFF_MAX: "20s",
  HEARTBEAT_INTERVAL: "2s",
  CONCURRENCY: "2",
  // Those with metrics count what waits: the chart begins before anyone looks.
  METRICS_FILE: "true",
};
await client.db(DATABASE).createCollection("documents");
await using first = await agentHome({
  db,
  module: PROCESSOR,
  env: { ...env, AGENT_NAME: "orders-7c9f8b6d5-x2kqp" },
});
await using second = await agentHome({
  db,
  module: PROCESSOR,
  env: { ...env, AGENT_NAME: "orders-7c9f8b6d5-m8wzt" },
});
await using third = await agentHome({
  db,
  module: PROCESSOR,
  env: { ...env, AGENT_NAME: "orders-7c9f8b6d5-9rtvb" },
});
for (const home of [first, second, third]) await home.startReady();
const { address } = await startDashboard(first, { args: ["--allow-actions"] });

let number = 0;
let isPaused = false;
const until = Date.now() + MINUTES_MS;
while (Date.now() < until) {
  // In waves, at times more than the agents take.
  const some = Array.from({ length: 22 + Math.round(18 * Math.sin(number / 300)) }, () => {
    number++;
    return { _id: `order-${String(number).padStart(6, "0")}`, status: "pending" };
  });
  await orders.insertMany(some);
  if (number > 1500 && !isPaused) {
    isPaused = true;
    await third.run("pause");
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}

await using browser = await startBrowser();
const shots = [
  { name: "overview", hash: "", mark: ".tiles" },
  { name: "document", hash: "#/document?id=order-000040", mark: ".story" },
  { name: "letters", hash: "#/letters", mark: "[aria-labelledby=letters] tbody tr" },
] as const;
for (const colors of ["light", "dark"] as const) {
  for (const { name, hash, mark } of shots) {
    const page = await browser.open(`${address}${hash}`, { colors, width: 1100, height: 760 });
    await page.tab.waitForSelector(mark);
    await page.tab.waitForSelector(".verdict");
    await page.tab.screenshot({ path: `${IMAGES}/dashboard-${name}-${colors}.png` });
    await page.tab.close();
  }
}
const phone = await browser.open(address, { width: 360, height: 760 });
await phone.tab.waitForSelector(".tiles");
await phone.tab.screenshot({ path: `${IMAGES}/dashboard-phone.png` });

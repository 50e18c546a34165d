import { assert, assertEquals } from "@std/assert";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../support/agent_home.ts";
import type { LogEntry } from "../support/agent_process.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { TestDatabase } from "../support/mongod.ts";

/** What becomes of documents has lines of its own, as long as there is work. */
const OF_DOCUMENTS = /^(Processed documents|Processing failed|Document is a dead letter|Took over documents)/;

/** Lines that an operator sees at the usual level, but for those of documents. */
const isSeen = ({ level, message }: LogEntry) =>
  level !== "DEBUG" && level !== "" && !OF_DOCUMENTS.test(message);

/**
 * The most lines about an outage with hundreds of documents in flight in a minute: out of reach and back, and for each of five
 * kinds of operations its beginning and, if it went on, its end, by two causes at most.
 */
const MAX_LINES = 20;

/** The most lines between two entries. What goes on has lines anew each minute, and a minute may end at any time. */
function mostLines(from: LogEntry, to: LogEntry): number {
  const minutes = (Date.parse(String(to.time)) - Date.parse(String(from.time))) / 60_000;
  return MAX_LINES * (1 + Math.ceil(minutes));
}

Deno.test("Outages: an outage with hundreds of documents in flight costs a few lines, and a later one no more", async () => {
  await using mongod = await startMongod();
  const database = new TestDatabase(mongod.uri, "outage");
  await insertPending(database, upTo(20_000));
  await database.client.close();
  await using home = await agentHome({
    db: { uri: mongod.uri, name: "outage" },
    // Acks, failed attempts and dead letters are all on their way when the server goes.
    module: `let count = 0;
      export default async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        count += 1;
        if (count % 3 === 1) throw new Error("no price for order " + count);
        if (count % 3 === 2) throw Object.assign(new Error("no such customer: " + count), { permanent: true });
      };`,
    env: {
      BATCH_SIZE: "300",
      CONCURRENCY: "100",
      LEASE_DURATION: "60",
      LOG_LEVEL: "DEBUG",
      MAX_ATTEMPTS: "3",
    },
  });
  const agent = await home.startReady();
  await agent.log("Document is a dead letter");
  let last = agent.entries.at(-1)!;
  for (let outage = 0; outage < 2; outage++) {
    await mongod.kill();
    const failures = () =>
      agent.entries.filter(({ index, message }) =>
        index > last.index && message.startsWith("Cannot write the")
      );
    await agent.log(() => failures().length >= 5);
    await mongod.start();
    const back = await agent.log((entry) => entry.message === "Wrote acks", { after: agent.entries.at(-1) });
    const lines = agent.entries.slice(last.index + 1, back.index + 1).filter(isSeen);
    assert(lines.length <= mostLines(last, back), `${lines.length} lines\n${seen(agent.entries)}`);
    last = back;
  }
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

function seen(entries: readonly LogEntry[]): string {
  return entries.filter(isSeen).map((entry) => JSON.stringify(entry)).join("\n");
}

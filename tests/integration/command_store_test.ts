import { assertEquals } from "@std/assert";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { lastingStore } from "../../control/commands/command_store.ts";
import { FailingServer } from "../support/failing_server.ts";

Deno.test("lastingStore() waits for a busy server longer than the short lease of its agents lets them", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  const env: Record<string, string> = {
    MONGODB_URI: database.uri,
    MONGODB_DATABASE: database.name,
    MONGODB_COLLECTION: "documents",
    LEASE_DURATION: "2",
    PROCESSOR: "log",
  };
  const settings = loadSettings((variable) => env[variable]).values as Settings;
  const store = lastingStore(settings);
  try {
    const { reader } = await store.forCommands.fleet();
    // An agent with this lease gives a connection up after a second.
    const isHeldUp = { failCommands: ["aggregate"], blockConnection: true, blockTimeMS: 3000 };
    await server.fail(`pulling-agent/${settings.agentName}`, isHeldUp);
    assertEquals((await reader.look()).agents, []);
  } finally {
    await store.close();
  }
});

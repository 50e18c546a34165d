import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { FailingServer } from "../support/failing_server.ts";

/** Commands that look or act once, and what each of them begins its answer with. */
const COMMANDS: readonly (readonly [line: string, code: number, answer: RegExp])[] = [
  ["why 1", 0, /as a new document, for attempt 1/],
  ["cancel 2", 0, /./],
  ["status --fleet", 1, /^The fleet of .* has no agents/],
  ["pause --fleet --reason test", 0, /No agent is alive/],
];

Deno.test("Commands wait for a busy server longer than the short lease of the agents lets these", async () => {
  await using server = await FailingServer.start();
  await using db = server.database();
  await insertPending(db, [1, 2]);
  // An agent with this lease gives a connection up after a second.
  const env = { AGENT_NAME: "short", LEASE_DURATION: "2", PROCESSOR: "log" };
  await using home = await agentHome({ db, env });
  const isBusy = { failCommands: ["find", "aggregate"], blockConnection: true, blockTimeMS: 1500 };
  await server.fail("pulling-agent/short", isBusy);
  await Promise.all(COMMANDS.map(async ([line, code, answer]) => {
    const result = await home.run(...line.split(" "));
    assertEquals([line, result.code], [line, code], result.stderr);
    assertEquals(
      answer.test(result.stdout + result.stderr),
      true,
      `${line}: ${result.stdout}${result.stderr}`,
    );
  }));
});

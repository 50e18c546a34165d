import { assert, assertEquals } from "@std/assert";
import { reportText, soak } from "../../scripts/soak.ts";
import { agentBinary } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";

/** Two minutes see about sixty agents end; `SOAK_SECONDS=30 make test-all` is for the impatient. */
const SECONDS = Number(Deno.env.get("SOAK_SECONDS") ?? 120);

Deno.test("Soak: agents that are killed at random lose nothing, and repeat only what a killed one held", async () => {
  await using db = await testDatabase("soak");
  const binary = agentBinary();
  const report = await soak({ binary, uri: db.uri, database: db.name, seconds: SECONDS, replicas: 3 });
  assertEquals(report.problems, [], reportText(report));
  assert(report.inserted > 0 && report.processed + report.failed === report.inserted);
  assert(report.killed > 0 && report.drained > 0, "too little was disturbed");
  assert(report.repeated > 0, "no kill hit a document at work");
});

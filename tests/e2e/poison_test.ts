import { documentsOf } from "../support/documents.ts";
import { assertPoisonDies, BLOCKED, POISON } from "../support/poison.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Suspects: a document that blocks its process until the process is killed becomes a dead letter", async () => {
  await assertPoisonDies({
    poison: BLOCKED,
    maxAttempts: 5,
    whilePoisonRuns: async (agent, db) => {
      // Nothing renews the lease of a process that is blocked.
      const expired = { _id: POISON, $expr: { $lt: ["$_pull.visible_at", "$$NOW"] } };
      await waitFor("its lease to expire", async () => await documentsOf(db).countDocuments(expired) === 1);
      await agent.kill9();
    },
  });
});

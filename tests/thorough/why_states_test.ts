import { assertToldAndMended, STATES } from "../support/why_states.ts";

Deno.test("why tells of every state of a document what keeps it, and the commands that it prints mend it, so that a real agent takes it", async () => {
  await assertToldAndMended(STATES);
});

import { assertToldAndMended } from "../support/why_states.ts";

Deno.test("why tells of documents in states of each kind what keeps them, and the commands that it prints mend them, so that a real agent takes them; tests/thorough has every state", async () => {
  await assertToldAndMended([
    "is new",
    "waits for its retry",
    "has ended its process too often",
    "is processed",
    "has failed, with an id that a shell would take apart",
    "has failed and has its letter in another collection",
    "has a lease that never ends",
    "has a status in the wrong case",
    "is due at a text that is a date",
    "has a status and a _pull of another program",
    "has an _id that is not UTF-8",
  ]);
});

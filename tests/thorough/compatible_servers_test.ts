import { assertDrains, assertRefuses } from "../support/compatible_servers.ts";
import { SUPPORTED, UNSUPPORTED } from "../support/profiles/profiles.ts";

for (const profile of SUPPORTED) {
  Deno.test(`run --until-empty drains a collection on ${profile.name}, says once what the server lacks, and so does doctor`, async () => {
    await assertDrains(profile);
  });
}

for (const profile of UNSUPPORTED) {
  Deno.test(`run and doctor refuse ${profile.name}, which lacks what claims need, and say which servers work`, async () => {
    await assertRefuses(profile);
  });
}

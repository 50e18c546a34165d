import { assert, assertEquals } from "@std/assert";
import { binaryOf, lastRelease } from "../chaos/before.ts";
import { chaos } from "../chaos/chaos.ts";
import { reportText, resultText } from "../chaos/report.ts";
import { ROWS } from "../chaos/rows.ts";
import { testRandom } from "../support/random.ts";

/** All rows share it; `CHAOS_SECONDS=600 make test-all` is for the patient. */
const SECONDS = Number(Deno.env.get("CHAOS_SECONDS") ?? 120);

Deno.test("Chaos: nothing is lost, and nothing done twice without excuse, no matter what is done to four agents and to the three members of their set", async () => {
  // The records of a row with a problem stay.
  const dir = await Deno.makeTempDir({ prefix: "chaos-records-" });
  const release = await lastRelease();
  const report = await chaos({
    rows: ROWS,
    seconds: SECONDS,
    seed: Math.floor(testRandom()() * 2 ** 31),
    before: release === undefined ? undefined : await binaryOf(release),
    dir,
    onResult: (result) => console.log(resultText(result)),
    print: console.log,
  });
  assertEquals(report.problems, [], `${reportText(report)}; the records of the witness are in ${dir}`);
  const { results, skipped } = report;
  // Before the first release there is none before this version.
  if (Deno.env.get("REQUIRE_ALL") === "1") {
    assertEquals(skipped, release === undefined ? ["version-before"] : []);
  }
  for (const { disturbances, failed, inserted, memoryMb, name, processed } of results) {
    assert(disturbances > 0, `${name} disturbed nothing`);
    assert(memoryMb > 0, `the memory of ${name} was not seen`);
    assert(
      inserted > 0 && processed + failed === inserted,
      `${name} processed ${processed} and failed ${failed}`,
    );
  }
  const repeated = results.filter(({ repeated }) => repeated > 0).map(({ name }) => name);
  // The seconds of another row may meet agents that hold nothing.
  assert(repeated.includes("block-event-loop"), `only ${repeated.join() || "nothing"} ran again`);
  await Deno.remove(dir, { recursive: true });
});

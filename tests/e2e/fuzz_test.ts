import { assert, assertEquals } from "@std/assert";
import { MongoClient } from "mongodb";
import { AREAS } from "../fuzz/areas.ts";
import { fuzz, reportText } from "../fuzz/fuzz.ts";
import { testUri } from "../support/mongod.ts";

/**
 * A second an area; `make test-all` takes a minute for all, FUZZ_SECONDS says how long. The seed is the same each time,
 * so that a test that fails is about the change at hand.
 */
const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? AREAS.length) / AREAS.length;
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 20_260_101);

for (const area of AREAS) {
  Deno.test(`fuzz: the area ${area.name} finds nothing`, async () => {
    const lines: string[] = [];
    const [report] = await fuzz({
      areas: [area],
      world: { uri: testUri() },
      seconds: SECONDS,
      seed: SEED,
      shrinkMs: 20_000,
      print: (line) => void lines.push(line),
    });
    assertEquals(report!.findings, [], lines.join("\n"));
    assert(report!.trials > 0, reportText([report!]));
    // Or the servers did not fail.
    if (area.name === "servers") assert(await timesFailed() > 0);
  });
}

/** How many commands the fail point has hit since the server started. */
async function timesFailed(): Promise<number> {
  await using client = new MongoClient(testUri());
  return (await client.db("admin").command({ configureFailPoint: "failCommand", mode: "off" })).count;
}

import { assertEquals } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname;
const ADVICE = "if not: deno cache --lock=bench/deno.lock, with the packages of bench/programs.ts";

Deno.test("bench/deno.lock knows every package of deno.json, as the bench asks for both", async () => {
  const [config, lock, page] = await Promise.all(
    ["deno.json", "bench/deno.lock", "control/dashboard/page/deno.json"].map(async (path) =>
      JSON.parse(await Deno.readTextFile(ROOT + path))
    ),
  );
  assertEquals(
    lock.workspace.dependencies.toSorted(),
    (Object.values(config.imports) as string[]).toSorted(),
    ADVICE,
  );
  assertEquals(
    lock.workspace.members["control/dashboard/page"].dependencies,
    (Object.values(page.imports) as string[]).toSorted(),
    ADVICE,
  );
});

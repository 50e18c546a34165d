import { assert, assertEquals, assertThrows } from "@std/assert";
import config from "../../../deno.json" with { type: "json" };
import { billOf, type Lock } from "../../../scripts/release/sbom.ts";

const ROOT = new URL("../../../", import.meta.url);

interface Bill {
  metadata: { component: { "bom-ref": string } };
  components: { purl: string; "bom-ref": string; hashes?: { content: string }[] }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

function billFor(imports: string[], lock: Lock): Bill {
  return billOf({ version: "1.2.3", denoVersion: "2.9.8", imports }, lock) as unknown as Bill;
}

const LOCK: Lock = {
  specifiers: { "npm:a@1.0.0": "1.0.0", "jsr:@std/b@^2.0.0": "2.1.0" },
  npm: {
    "a@1.0.0": { integrity: "sha512-AAH/", dependencies: ["c", "d@2.0.0"] },
    "c@3.0.0_a@1.0.0": { integrity: "sha512-AAH/", dependencies: ["a"] },
    "d@1.0.0": { integrity: "sha512-AAH/" },
    "d@2.0.0": { integrity: "sha512-AAH/" },
  },
  jsr: { "@std/b@2.1.0": { integrity: "beef" } },
};

Deno.test("billOf lists the packages that the imports need, each once, also in a cycle, and no other package", () => {
  const bill = billFor(["npm:a@1.0.0", "jsr:@std/b@^2.0.0"], LOCK);
  assertEquals(bill.components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.8",
    "pkg:jsr/%40std/b@2.1.0",
    "pkg:npm/a@1.0.0",
    "pkg:npm/c@3.0.0",
    "pkg:npm/d@2.0.0",
  ]);
  assertEquals(bill.components[2]!.hashes?.[0]?.content, "0001ff");
  assertEquals(bill.dependencies.find(({ ref }) => ref === "pkg:npm/a@1.0.0")?.dependsOn, [
    "pkg:npm/c@3.0.0",
    "pkg:npm/d@2.0.0",
  ]);
});

Deno.test("billOf refuses a lock that lacks a package, or has two that may be meant", () => {
  const missing: Lock = { ...LOCK, npm: { "a@1.0.0": { integrity: "sha512-AAH/", dependencies: ["x"] } } };
  assertThrows(() => billFor(["npm:a@1.0.0"], missing), Error, "deno.lock does not say which npm:x is meant");
  const doubtful: Lock = {
    ...LOCK,
    npm: { ...LOCK.npm, "a@1.0.0": { integrity: "sha512-", dependencies: ["d"] } },
  };
  assertThrows(
    () => billFor(["npm:a@1.0.0"], doubtful),
    Error,
    "deno.lock does not say which npm:d is meant",
  );
});

Deno.test("sbom.ts describes this program: every reference is declared, and packages of tools are left out", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", new URL("scripts/release/sbom.ts", ROOT).pathname, "2.9.8"],
    cwd: ROOT,
  }).output();
  assert(success);
  const bill = JSON.parse(new TextDecoder().decode(stdout)) as Bill;
  const names = bill.components.map((it) => it["bom-ref"]);
  for (const wanted of ["pkg:npm/mongodb@", "pkg:npm/bson@", "pkg:jsr/%40std/log@"]) {
    assert(names.some((name) => name.startsWith(wanted)), wanted);
  }
  // What only the build needs.
  assert(!names.some((name) => name.includes("sourcemap-codec")), names.join());
  assertEquals(bill.metadata.component["bom-ref"], `pkg:generic/pulling-agent@${config.version}`);
  const declared = new Set([...names, bill.metadata.component["bom-ref"]]);
  for (const { ref, dependsOn } of bill.dependencies) {
    for (const name of [ref, ...dependsOn]) assert(declared.has(name), name);
  }
});

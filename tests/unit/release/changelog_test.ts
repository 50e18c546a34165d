import { assertEquals, assertThrows } from "@std/assert";
import { sectionOf } from "../../../scripts/release/changelog.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

- Not yet.

## [1.2.0] - 2026-01-02

### Added

- One, see [the guide].

## [1.1.0] - 2025-12-01

## [1.0.0] - 2025-11-01

- The first.

[1.2.0]: https://example.com/1.2.0
`;

Deno.test("sectionOf gives the text under the heading of a version, up to the next version", () => {
  assertEquals(sectionOf(CHANGELOG, "1.2.0"), "### Added\n\n- One, see [the guide].\n");
});

Deno.test("sectionOf leaves out the links behind the last section", () => {
  assertEquals(sectionOf(CHANGELOG, "1.0.0"), "- The first.\n");
});

Deno.test("sectionOf refuses a version that has no section, and one that a longer name begins with", () => {
  for (const version of ["1.3.0", "1.2"]) {
    assertThrows(
      () => sectionOf(CHANGELOG, version),
      Error,
      `CHANGELOG.md has no section for ${version}: rename [Unreleased]`,
    );
  }
});

Deno.test("sectionOf refuses an empty section", () => {
  assertThrows(
    () => sectionOf(CHANGELOG, "1.1.0"),
    Error,
    "CHANGELOG.md says nothing under [1.1.0] - 2025-12-01: say there what changes",
  );
});

import type { CheckName } from "../../../scripts/servers/server_lines.ts";
import { type CheckPlace, CheckWorld } from "./check_world.ts";
import { type Check, CHECKS } from "./checks.ts";

/** How a check went. */
export interface CheckResult {
  readonly name: CheckName;
  readonly doc: string;
  /** `yes`; a word that says how; or `FAILS: ` and the reason. */
  readonly result: string;
}

/** Tries all that an agent does, a few checks at a time. */
export async function resultsOf(place: CheckPlace, atOnce = 3): Promise<CheckResult[]> {
  const results = new Map<Check, CheckResult>();
  const waiting = [...CHECKS];
  const track = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const { name, doc } = check;
      results.set(check, { name, doc, result: await resultOf(check, place) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, track));
  return CHECKS.map((check) => results.get(check)!);
}

async function resultOf(check: Check, place: CheckPlace): Promise<string> {
  try {
    await using world = await CheckWorld.of(place, `compat_${check.name.replaceAll(/\W+/g, "_")}`);
    return await check.run(world) ?? "yes";
  } catch (error) {
    return `FAILS: ${error instanceof Error ? error.message : error}`;
  }
}

import type { Area, Verdict } from "./area.ts";

/** An input that breaks something, as small as it was found in time. */
export interface Shrunk<Input> {
  input: Input;
  verdict: Verdict;
  /** How many smaller inputs were tried. */
  steps: number;
}

/**
 * Looks for a smaller input that breaks something of the same kind, for at most `limitMs` milliseconds: each step that
 * still fails is the start of the next.
 */
export async function shrink<Input>(
  area: Area<Input>,
  attempt: (input: Input) => Promise<Verdict>,
  found: { input: Input; verdict: Verdict; kind: string },
  limitMs: number,
): Promise<Shrunk<Input>> {
  const endMs = performance.now() + limitMs;
  let { input, verdict } = found;
  let steps = 0;
  search: for (;;) {
    for (const candidate of area.smaller(input)) {
      if (performance.now() >= endMs) break search;
      steps += 1;
      const again = await attempt(candidate);
      if (!again.broken.some((sentence) => kindOf(sentence) === found.kind)) continue;
      [input, verdict] = [candidate, again];
      continue search;
    }
    break;
  }
  return { input, verdict, steps };
}

/** A sentence without its numbers, ids and quotations: findings of one kind are reported once. */
export function kindOf(sentence: string): string {
  return sentence.replaceAll(/\([^)]*\)|"(?:[^"\\]|\\.)*"|[0-9a-f]{8,}|\d+/g, "#").split(/[:\n]/, 1)[0]!;
}

/** Ways to leave out a part of a list: the halves first, then each item by itself. */
export function* shorter<T>(items: readonly T[]): Iterable<T[]> {
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    if (size === items.length) {
      yield [];
      continue;
    }
    for (let at = 0; at < items.length; at += size) yield [...items.slice(0, at), ...items.slice(at + size)];
  }
}

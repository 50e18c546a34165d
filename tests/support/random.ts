/** A source of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The random numbers of a test: the same ones in each run for a seed of its own, other ones without it, those of the variable
 * `TEST_SEED` in any case. A seed that nothing else tells is printed: with it a failure repeats itself.
 */
export function testRandom(ownSeed?: number): () => number {
  const given = Deno.env.get("TEST_SEED");
  if (given !== undefined) return seededRandom(Number(given));
  if (ownSeed !== undefined) return seededRandom(ownSeed);
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`Random numbers of TEST_SEED=${seed}`);
  return seededRandom(seed);
}

/** The factor of {@linkcode rounds}. */
const ROUNDS_FACTOR = Number(Deno.env.get("TEST_ROUNDS") || 1);

/**
 * How many rounds a test with random numbers makes: `usual` ones, times the variable `TEST_ROUNDS`. The lane `all` sets
 * it, so that every change gets many rounds in CI, and the other lanes stay quick.
 */
export function rounds(usual: number): number {
  return Math.ceil(usual * ROUNDS_FACTOR);
}

/** A whole number from `min` to `max`, both included. */
export function integerFrom(random: () => number, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** One of `items`. */
export function pick<T>(random: () => number, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

/** The same items in another order. */
export function shuffled<T>(random: () => number, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(integerFrom(random, 0, left.length - 1), 1)[0]!);
}

const BARS = "▁▂▃▄▅▆▇█";

/**
 * Numbers as bars of eighths, at most so many: the last ones. The highest is a whole bar, and 0 a blank. What is not known
 * is a dot.
 */
export function sparkline(numbers: readonly (number | null)[], most: number): string {
  const shown = numbers.slice(-most);
  const highest = Math.max(0, ...shown.map((n) => n ?? 0));
  return shown.map((n) => {
    if (n === null) return "·";
    if (n <= 0) return " ";
    return BARS[Math.max(0, Math.ceil((n / highest) * BARS.length) - 1)];
  }).join("");
}

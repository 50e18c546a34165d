/** A file of the program, and a text to look for in it. */
type CodePlace = readonly [file: string, symbol: string];

/**
 * Where the program keeps a rule, as links of docs/protocol.md.
 *
 * @param rules the file that names the places
 * @throws {Error} If the code is not there.
 */
export async function codePlaces(
  code: readonly CodePlace[],
  { number, root, rules }: { number: number | string; root: string; rules: string },
): Promise<string> {
  const places: string[] = [];
  for (const [file, symbol] of code) {
    const text = await Deno.readTextFile(`${root}/${file}`).catch(() => "");
    if (!text.includes(symbol)) {
      throw new Error(
        `Rule ${number} of the claim protocol names ${symbol} in ${file}, which is not there: ` +
          `say in ${rules} where the program keeps the rule`,
      );
    }
    places.push(`[\`${symbol}\`](../${file})`);
  }
  return places.join(", ") || "the program does not have it yet";
}

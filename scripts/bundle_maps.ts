/**
 * Puts the source maps of a bundle into its files, so that a stack trace of the executable names the file and the line
 * of the source. Packages are left out of them: their frames keep their names, and the executable stays small.
 *
 *     deno run --allow-read=DIR --allow-write=DIR scripts/bundle_maps.ts DIR
 *
 * @module
 */

import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";

/** A source map as the bundler writes it (ECMA-426); only what is used here. */
interface SourceMap {
  version: 3;
  sources: string[];
  mappings: string;
  names?: string[];
}

/** The folders of the program, as they begin a path in the map: the bundle is beside the folder of the sources. */
const OURS = /^\.\.\/src\/((?:agent|control|health)\/.*|main\.ts)$/;

/** Keeps the parts of a map that lead to a source of the program, under its path in the repository. */
export function ownMap({ sources, mappings }: SourceMap): SourceMap | undefined {
  const paths = sources.map((source) => OURS.exec(source)?.[1]);
  const kept = paths.filter((path) => path !== undefined);
  if (kept.length === 0) return undefined;
  const position = new Map(paths.flatMap((path, at) => path === undefined ? [] : [[at, kept.indexOf(path)]]));
  const lines = decode(mappings).map((segments) => segments.flatMap((segment) => own(segment, position)));
  return { version: 3, sources: kept, mappings: encode(lines) };
}

/** A segment that leads to another place ends the one before it. */
function own(segment: SourceMapSegment, position: ReadonlyMap<number, number>): SourceMapSegment[] {
  const [column, source, line, sourceColumn] = segment;
  const at = source === undefined ? undefined : position.get(source);
  return [at === undefined ? [column] : [column, at, line!, sourceColumn!]];
}

if (import.meta.main) {
  const [directory] = Deno.args;
  if (directory === undefined) throw new Error("bundle_maps.ts needs the directory of the bundle");
  const files = [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
  for (const file of files.filter((name) => name.endsWith(".js.map"))) {
    const map = ownMap(JSON.parse(await Deno.readTextFile(file)));
    await Deno.remove(file);
    if (!map) continue;
    const script = file.slice(0, -".map".length);
    const text = (await Deno.readTextFile(script)).replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n");
    const inline = `data:application/json;base64,${btoa(JSON.stringify(map))}`;
    await Deno.writeTextFile(script, `${text}//# sourceMappingURL=${inline}\n`);
  }
}

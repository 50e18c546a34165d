import { CommandError } from "../../agent/errors.ts";
// Empty in the sources: scripts/build.sh puts the bundle there.
import built from "./page.json" with { type: "json" };

/** A file of the page, as it goes to the browser. */
export interface PageFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** Its `Content-Type`. */
  type: string;
  /** How `bytes` are compressed. */
  encoding: "gzip" | undefined;
}

/** A file as `scripts/bundle_page.ts` writes it. */
interface BundledFile {
  type: string;
  /** Base64. */
  gzip: string;
}

/**
 * The files of the page, by their path below the base. The executable has them in it. From source, the bundle is made by
 * a process of Deno, so that this needs the permission to run one.
 *
 * @throws {CommandError} if the bundle cannot be made
 */
export async function loadPage(): Promise<ReadonlyMap<string, PageFile>> {
  const files: Record<string, BundledFile> = built;
  const bundled = Object.keys(files).length > 0 ? files : await bundleNow();
  return new Map(
    Object.entries(bundled).map(([path, { type, gzip }]) => [
      path,
      { bytes: Uint8Array.fromBase64(gzip), type, encoding: "gzip" },
    ]),
  );
}

async function bundleNow(): Promise<Record<string, BundledFile>> {
  const root = new URL("../..", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--frozen", "-A", `${root}scripts/bundle_page.ts`, root],
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new CommandError(
      `The page of the dashboard could not be bundled: ${decoder.decode(stderr).trim()}`,
    );
  }
  return JSON.parse(decoder.decode(stdout));
}

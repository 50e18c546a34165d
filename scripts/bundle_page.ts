/**
 * Bundles the page of the dashboard and prints its files as JSON: `{ PATH: { type, gzip } }`. The same sources and the
 * same Deno give the same text.
 *
 *     deno run -A scripts/bundle_page.ts ROOT > control/dashboard/page.json
 *
 * @module
 */

import { constants, gzipSync } from "node:zlib";

/** What the browser asks for, in the folder of the page, and its type. */
const FILES = {
  "index.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};
/** Entries of the bundle, each a script of its own; `theme` runs before anything is drawn. */
const SCRIPTS = ["page.tsx", "theme.ts"];
const SCRIPT_TYPE = "text/javascript; charset=utf-8";

async function bundlePage(root: string): Promise<Record<string, { type: string; gzip: string }>> {
  const folder = `${root.replace(/\/$/, "")}/control/dashboard/page`;
  const out = await Deno.makeTempDir({ prefix: "pulling-agent-page-" });
  try {
    // The working directory says which deno.json and deno.lock count.
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--frozen", "--platform", "browser", "--minify", "--outdir", out],
        ...SCRIPTS.map((name) => `${folder}/${name}`),
      ],
      cwd: root,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
    const found: Record<string, { type: string; gzip: string }> = {};
    for (const [name, type] of Object.entries(FILES)) {
      found[name] = { type, gzip: compressed(await Deno.readFile(`${folder}/${name}`)) };
    }
    for (const script of SCRIPTS) {
      const name = script.replace(/\.tsx?$/, ".js");
      found[name] = { type: SCRIPT_TYPE, gzip: compressed(await Deno.readFile(`${out}/${name}`)) };
    }
    return found;
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

function compressed(bytes: Uint8Array): string {
  return new Uint8Array(gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION })).toBase64();
}

if (import.meta.main) {
  const [root] = Deno.args;
  if (root === undefined) throw new Error("bundle_page.ts needs the folder of the sources");
  try {
    console.log(JSON.stringify(await bundlePage(root)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}

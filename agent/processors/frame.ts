import { pathOf } from "./file_url.ts";

const FRAME = /(file:\/\/[^\s()]+?):(\d+):(\d+)/g;

/** A place in a source. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The innermost place of an error's stack that is in the module `file`, or, if none is, beside or below it. Never throws. */
export function frameIn(error: unknown, file: string): Frame | undefined {
  const frames = framesOf(error);
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return frames.find((frame) => frame.file === file) ??
    frames.find((frame) => frame.file.startsWith(folder) && !isOurs(frame.file));
}

/** The agent itself may be in the same folder, if it runs from source. */
const OURS = pathOf(new URL("../..", import.meta.url).href);

/** The executable has its sources in a folder of its own, which is not on disk. */
const EMBEDDED = /\/deno-compile-[^/]+\//;

function isOurs(file: string): boolean {
  if (EMBEDDED.test(file)) return true;
  return file.startsWith(OURS) &&
    /^(main\.ts$|(agent|health|control|node_modules|\.tools)\/)/.test(file.slice(OURS.length));
}

function framesOf(error: unknown): Frame[] {
  try {
    const { stack } = (typeof error === "object" && error !== null ? error : {}) as { stack?: unknown };
    if (typeof stack !== "string") return [];
    return [...stack.matchAll(FRAME)].map(([, url, line, column]) => ({
      file: pathOf(url!),
      line: Number(line),
      column: Number(column),
    }));
  } catch {
    return [];
  }
}

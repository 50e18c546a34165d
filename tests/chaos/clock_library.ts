/**
 * libfaketime, which gives a process another clock than the machine's. `scripts/ci_tools.sh` unpacks it.
 *
 * @module
 */

import { expandGlob } from "@std/fs";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const NAME = "libfaketimeMT.so.1";
/** The project's own, then those of Debian's and of other systems' packages. */
const PLACES = [`${ROOT}/.tools/lib`, "/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime"];

/** Its path; undefined if it is not installed. */
export async function clockLibrary(): Promise<string | undefined> {
  for (const place of PLACES) {
    for await (const { path } of expandGlob(`${place}/${NAME}`)) return path;
  }
  return undefined;
}

/** The environment of a process whose clock follows `file`, which holds an offset such as `+1h`. */
export function clockFrom(file: string, library: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: "1",
    // What measures how long something takes is not set by anyone on a real machine either.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    // Nor the times of files, which are the kernel's.
    NO_FAKE_STAT: "1",
  };
}

import { BINARY } from "../agent.ts";
import { runToEnd } from "../programs.ts";

const MIB = 1024 * 1024;

/** The sizes of the delivered files, in MiB. */
export interface SizesResult {
  binaryMib: number;
  /** Undefined if the image has not been built here. */
  imageMib: number | undefined;
}

/** Sizes of the executable and, if `make image` has built it, of the smallest image. */
export async function measureSizes(): Promise<SizesResult> {
  const { size } = await Deno.stat(BINARY);
  return { binaryMib: size / MIB, imageMib: await imageMib("pulling-agent:latest-scratch") };
}

async function imageMib(name: string): Promise<number | undefined> {
  for (const program of ["podman", "docker"]) {
    const asked = runToEnd(program, ["image", "inspect", name, "--format", "{{.Size}}"]);
    const size = await asked.then(Number, () => undefined);
    if (size !== undefined) return size / MIB;
  }
  return undefined;
}

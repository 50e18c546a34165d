/** The version of the servers that the tests run on, for tests of what older ones lack. */

const { stdout } = await new Deno.Command(Deno.env.get("MONGOD_BIN") || "mongod", { args: ["--version"] })
  .output().catch(() => ({ stdout: new Uint8Array() }));
const VERSION = /v(\d+)\.(\d+)\./.exec(new TextDecoder().decode(stdout));

/** Whether the servers are older than MongoDB `version`, such as `6.0`; false if it is not known. */
export function isOlderThan(version: `${number}.${number}`): boolean {
  if (VERSION === null) return false;
  const [major, minor] = version.split(".").map(Number) as [number, number];
  const [here, hereMinor] = [Number(VERSION[1]), Number(VERSION[2])];
  return here < major || (here === major && hereMinor < minor);
}

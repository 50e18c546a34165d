/**
 * Keeps names out of the repository that exist on one machine only.
 *
 * @module
 */

// In parts, because otherwise this file would be the first to be reported.
const REGISTRY_HOSTS = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["npm", "jsr", "io"],
  ["jsr", "io"],
  ["pypi", "org"],
  ["files", "pythonhosted", "org"],
  ["crates", "io"],
  ["rubygems", "org"],
  ["proxy", "golang", "org"],
  ["repo1", "maven", "org"],
].map((parts) => parts.join("."));

/** Folders in which people work; relative paths and URLs that merely contain such a name are left alone. */
const HOME_PATH = /(?<![\w.~})\]-])\/(home\/\w+|Users\/\w+|root|work)\/\w/;

/**
 * Reports each line that names a package registry's host (a mirror is chosen by the environment, not by the source) or
 * an absolute path below a home or work folder.
 */
export async function checkNames(root: string, paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const text = await Deno.readTextFile(`${root}/${path}`).catch(() => "");
    if (text.includes("\0")) continue;
    for (const [index, line] of text.split("\n").entries()) {
      const host = REGISTRY_HOSTS.find((host) => line.includes(host));
      if (host !== undefined) {
        found.push(`${path}:${index + 1} names the package registry ${host}: leave it to the tools`);
      }
      const home = HOME_PATH.exec(line)?.[0];
      if (home !== undefined) {
        found.push(`${path}:${index + 1} names ${home}..., a path of one machine: make it relative`);
      }
    }
  }
  return found;
}

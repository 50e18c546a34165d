/**
 * Prints what the executable is made of, as a CycloneDX document: `sbom.ts VERSION-OF-DENO`.
 *
 * The packages come from deno.lock: those that the program imports and what they need, not those of tests and tools.
 *
 * @module
 */

import { walk } from "@std/fs";

/** The parts of deno.lock that are read. */
export interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly jsr: Readonly<Record<string, Locked>>;
  readonly npm: Readonly<Record<string, Locked>>;
}

interface Locked {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
}

/** A package in a CycloneDX document. */
interface Component {
  readonly "bom-ref": string;
  readonly type: "library" | "platform";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { alg: string; content: string }[];
  readonly properties?: readonly { name: string; value: string }[];
}

/** The program that the document is about. */
export interface Program {
  readonly version: string;
  readonly denoVersion: string;
  /** Specifiers of the packages that the program imports, such as `npm:mongodb@7.9.0`. */
  readonly imports: readonly string[];
}

/**
 * The document. The same input gives the same text: it has no time and no serial number.
 *
 * @throws {Error} if the lock lacks a package that another one needs
 */
export function billOf({ version, denoVersion, imports }: Program, lock: Lock): Record<string, unknown> {
  const root = `pkg:generic/pulling-agent@${version}`;
  const needs = new Map<string, string[]>();
  const found = new Map<string, Component>();
  const add = (key: string): string => {
    const [registry, name] = [key.slice(0, 3), key.slice(4)];
    const component = componentOf(registry, name, lockedIn(lock, key));
    const ref = component["bom-ref"];
    if (found.has(ref)) return ref;
    found.set(ref, component);
    const { dependencies = [] } = lockedIn(lock, key);
    needs.set(ref, dependencies.map((it) => add(resolved(lock, it.includes(":") ? it : `npm:${it}`))).sort());
    return ref;
  };
  const direct = imports.map((specifier) => add(resolved(lock, specifier)));
  const deno: Component = {
    "bom-ref": `pkg:github/denoland/deno@v${denoVersion}`,
    type: "platform",
    name: "deno",
    version: denoVersion,
    purl: `pkg:github/denoland/deno@v${denoVersion}`,
  };
  found.set(deno["bom-ref"], deno);
  needs.set(root, [...direct, deno["bom-ref"]].sort());
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { "bom-ref": root, type: "application", name: "pulling-agent", version, purl: root },
    },
    components: [...found.values()].sort((a, b) => a.purl < b.purl ? -1 : 1),
    dependencies: [...needs].map(([ref, dependsOn]) => ({ ref, dependsOn }))
      .sort((a, b) => a.ref < b.ref ? -1 : 1),
  };
}

function componentOf(registry: string, key: string, { integrity }: Locked): Component {
  const at = key.indexOf("@", 1);
  // The lock notes peer packages behind an underscore.
  const [name, version] = [key.slice(0, at), key.slice(at + 1).split("_")[0]!];
  const purl = `pkg:${registry}/${name.replace("@", "%40")}@${version}`;
  const common = { "bom-ref": purl, type: "library", name, version, purl } as const;
  return registry === "npm"
    ? { ...common, hashes: [{ alg: "SHA-512", content: hexOf(integrity.replace("sha512-", "")) }] }
    // This is not the digest of an archive but of the list of the package's files.
    : { ...common, properties: [{ name: "jsr:manifest-sha256", value: integrity }] };
}

function hexOf(base64: string): string {
  return [...atob(base64)].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function lockedIn(lock: Lock, key: string): Locked {
  return lock[key.slice(0, 3) as "jsr" | "npm"][key.slice(4)]!;
}

/** The package that a specifier stands for, as `npm:NAME@VERSION`; one without a version stands for the only one. */
function resolved(lock: Lock, specifier: string): string {
  const registry = specifier.slice(0, 3) as "jsr" | "npm";
  const name = specifier.slice(4);
  const range = /^(.+)@[^@/]+$/.exec(name)?.[1];
  const version = lock.specifiers[specifier];
  const exact = version !== undefined && range !== undefined ? `${range}@${version}` : name;
  const keys = Object.keys(lock[registry])
    .filter((key) => key === exact || key.startsWith(`${exact}@`) || key.startsWith(`${exact}_`));
  if (keys.length !== 1) {
    throw new Error(
      `deno.lock does not say which ${specifier} is meant: run 'deno install' to write it anew`,
    );
  }
  return `${registry}:${keys[0]}`;
}

/** The packages that the sources of the program import, by the names of deno.json. */
async function importsOfProgram(root: string, names: Readonly<Record<string, string>>): Promise<string[]> {
  const sources = [await Deno.readTextFile(`${root}/main.ts`)];
  for (const folder of ["agent", "control", "health"]) {
    for await (const { path } of walk(`${root}/${folder}`, { exts: ["ts", "tsx"], includeDirs: false })) {
      sources.push(await Deno.readTextFile(path));
    }
  }
  const isImported = (name: string) =>
    sources.some((text) => [`"${name}"`, `"${name}/`].some((it) => text.includes(it)));
  return Object.keys(names).filter(isImported).map((name) => names[name]!).sort();
}

if (import.meta.main) {
  const [denoVersion] = Deno.args;
  if (denoVersion === undefined) {
    console.error("sbom.ts: give the version of Deno that the executable is compiled with");
    Deno.exit(2);
  }
  const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
  const config = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const lock = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
  // The page of the dashboard is a part of the executable, with packages of its own.
  const page = JSON.parse(await Deno.readTextFile(`${root}/control/dashboard/page/deno.json`));
  const imports = await importsOfProgram(root, { ...config.imports, ...page.imports });
  console.log(JSON.stringify(billOf({ version: config.version, denoVersion, imports }, lock), null, 2));
}

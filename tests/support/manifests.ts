/**
 * Kubernetes objects, as the manifests have them.
 *
 * @module
 */

import type { Requirement } from "./optional.ts";
import { TempDir } from "./temp_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Reading manifests and checking them against schemas. */
export const SCHEMAS: Requirement = {
  what: "tests of the manifests",
  why: "the Python package kubernetes-validate cannot be had",
  install: "see: sh scripts/manifests.sh ready",
  probe: ["sh", `${ROOT}/scripts/manifests.sh`, "ready"],
};

/** Building the overlays, and asking what kubectl knows. */
export const KUBECTL: Requirement = {
  what: "tests of the overlays and of documented commands",
  why: "kubectl is not installed",
  install: "install kubectl",
  probe: ["kubectl", "kustomize", "--help"],
};

/** A Kubernetes object; what is in it depends on its kind. */
// deno-lint-ignore no-explicit-any
export type KubernetesObject = Record<string, any>;

/** Runs a program in the root of the project; returns what it prints. */
export async function output(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd: ROOT }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(
      `${program} ${args.join(" ")} failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`,
    );
  }
  return decoder.decode(stdout);
}

/** The manifests of a folder, not of those in it, by their paths. */
export async function manifestsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile } of Deno.readDir(`${ROOT}/${folder}`)) {
    if (isFile && /\.(ya?ml|json)$/.test(name)) found.push(`${folder}/${name}`);
  }
  return found.sort();
}

/** The objects in manifests. */
export async function objectsIn(...paths: string[]): Promise<KubernetesObject[]> {
  return JSON.parse(await output("sh", "scripts/manifests.sh", "json", ...paths));
}

const overlays = new Map<string, Promise<KubernetesObject[]>>();

/** What an overlay makes. It is made once. */
export function overlay(name: string): Promise<KubernetesObject[]> {
  const made = overlays.get(name) ?? makeOverlay(name);
  overlays.set(name, made);
  return made;
}

async function makeOverlay(name: string): Promise<KubernetesObject[]> {
  await using dir = await TempDir.make();
  return await objectsIn(
    await dir.write("made.yaml", await output("kubectl", "kustomize", `k8s/overlays/${name}`)),
  );
}

/** Kinds that an operator in the cluster adds: the schemas of Kubernetes do not have them. */
const ADDED_KINDS = /^(monitoring\.coreos\.com|keda\.sh)\//;

/** Checks what overlays make against the schemas of a version of Kubernetes, all in one run. */
export async function validateOverlays(version: string, names: string[]): Promise<void> {
  await using dir = await TempDir.make();
  const paths = await Promise.all(names.map(async (name) => {
    const objects = (await overlay(name)).filter(({ apiVersion }) => !ADDED_KINDS.test(apiVersion));
    return await dir.write(`${name}.yaml`, objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  }));
  await output("sh", "scripts/manifests.sh", "validate", version, ...paths);
}

/** The template of an object's pods; undefined if it makes none. */
export function podTemplate({ kind, spec }: KubernetesObject): KubernetesObject | undefined {
  if (kind === "CronJob") return spec.jobTemplate.spec.template;
  if (kind === "Deployment" || kind === "Job") return spec.template;
  return undefined;
}

/** The environment that a container gives to the agent; what comes out of a secret or a field is made up. */
export function environmentOf(container: KubernetesObject): Record<string, string> {
  const entries = (container.env as KubernetesObject[]).map(({ name, value, valueFrom }) => {
    if (valueFrom?.secretKeyRef) return [name, "mongodb://mongodb.example.com:27017"];
    if (valueFrom?.fieldRef) return [name, "pod-1"];
    if (typeof value !== "string") throw new Error(`${name} has no text as its value`);
    return [name, value];
  });
  return Object.fromEntries(entries);
}

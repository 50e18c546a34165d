/**
 * The alerts for a Prometheus without the operator: what the PrometheusRule has under `spec`, with its comments.
 *
 * @module
 */

const HEAD = `# Generated from prometheusrule.yaml, which is for the Prometheus operator: change that one.
# Put this file where \`rule_files\` of your prometheus.yml finds it.
`;

/**
 * The rules of a manifest of the kind PrometheusRule, as a file that Prometheus reads.
 *
 * @throws {Error} if the manifest has no `spec` at its end
 */
export function plainRules(manifest: string): string {
  const start = manifest.indexOf("\nspec:\n");
  const lines = manifest.slice(start + "\nspec:\n".length).split("\n");
  if (start < 0 || lines.some((line) => line !== "" && !line.startsWith("  "))) {
    throw new Error("The manifest has to end with `spec:` and what is in it");
  }
  return HEAD + lines.map((line) => line.slice(2)).join("\n");
}

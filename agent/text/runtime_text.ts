/** How the runtime refuses something. It adds advice for people who compile a program of their own. */
const REFUSAL =
  /^Requires (\w+) access(?: to (".*"|\S+?))?, (?:specify the required permissions during compilation|run again with)\b[^]*$/;

/**
 * The runtime's text without its advice on flags of Deno: the permissions of the executable are fixed when it is
 * compiled. The rest of the text stays.
 */
export function runtimeText(message: string): string {
  if (!message.startsWith("Requires ")) return message;
  const [, permission, target] = REFUSAL.exec(message) ?? [];
  // For imports, the loader of modules adds its own advice.
  if (permission === undefined || permission === "import") return message;
  // The runtime says this of the kernel's files, which no permission opens.
  if (permission === "all") {
    return `${target ?? "it"} belongs to the kernel, and the runtime opens none of its files`;
  }
  return `Requires ${permission} access${
    target === undefined ? "" : ` to ${target}`
  }, which the agent does not have`;
}

/** How the runtime refuses something, with advice for people who compile a program of their own. */
const REFUSAL =
  /^Requires (\w+) access(?: to (".*"|\S+?))?, (?:specify the required permissions during compilation|run again with)\b[^]*$/;

/**
 * What the runtime says, without its advice on flags of Deno: the permissions of the executable are fixed when it is
 * compiled. What it says otherwise stays.
 */
export function runtimeText(message: string): string {
  if (!message.startsWith("Requires ")) return message;
  const [, permission, target] = REFUSAL.exec(message) ?? [];
  // Of imports the loader of modules makes advice of its own.
  if (permission === undefined || permission === "import") return message;
  // It says so of the files of the kernel, which no permission opens.
  if (permission === "all") {
    return `${target ?? "it"} belongs to the kernel, and the runtime opens none of its files`;
  }
  return `Requires ${permission} access${
    target === undefined ? "" : ` to ${target}`
  }, which the agent does not have`;
}

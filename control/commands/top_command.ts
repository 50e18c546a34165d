import { command } from "./command.ts";

/** Shows all agents of a collection, and the work that there is. */
export const topCommand = command({
  name: "top",
  doc: "Show all agents, what waits, how fast it is done and what fails, on one screen that renews itself.",
  also: ["monitor"],
  options: {
    once: { doc: "Print it once, as text. Without a terminal it does so by itself." },
    json: { doc: "Print it once, as one line of JSON; with --interval again and again." },
    interval: { value: "SECONDS", isCount: true, doc: "Look every so many seconds; 2 by default." },
  },
  oneOf: ["once", "json"],
  async run({ flags, options }, env) {
    const { showTop } = await import("./top_work.ts");
    const everyS = options.interval?.[0];
    return await showTop({
      asJson: flags.includes("json"),
      isOnce: flags.includes("once"),
      everyS: everyS === undefined ? undefined : Number(everyS),
    }, env);
  },
});

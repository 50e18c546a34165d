import { command } from "./command.ts";

/** Serves the dashboard to browsers. */
export const dashboardCommand = command({
  name: "dashboard",
  doc:
    "Serve a page with the fleet, its dead letters and the story of each document to browsers, until it is stopped.",
  also: ["ui", "web", "serve"],
  options: {
    listen: {
      value: "ADDRESS",
      doc:
        "Serve on this address and port, and not on 127.0.0.1:7979. Others than this machine need a token.",
    },
    "allow-actions": { doc: "Let viewers pause, resume, requeue, cancel, redrive and purge." },
    base: { value: "PATH", doc: "Serve below this path, as a proxy in front may ask for it." },
    host: {
      value: "NAME",
      isRepeatable: true,
      doc: "Serve under this name, too, such as that of an ingress. An address and localhost always are.",
    },
    probe: {
      doc:
        "Answer a probe instead: exit with 0 if a dashboard of this machine serves its page, with 1 if not.",
    },
  },
  async run({ flags, options: { base, host, listen } }, env) {
    if (flags.includes("probe")) {
      const { answerProbe } = await import("./dashboard_probe_work.ts");
      return await answerProbe({ base: base?.[0], listen: listen?.[0] });
    }
    const { serveDashboard } = await import("./dashboard_work.ts");
    return await serveDashboard({
      allowsActions: flags.includes("allow-actions"),
      base: base?.[0],
      hosts: host ?? [],
      listen: listen?.[0],
    }, env);
  },
});

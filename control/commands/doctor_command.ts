import { command } from "./command.ts";

/** Looks at everything that the agent needs, and tells how to mend what is wrong. */
export const doctorCommand = command({
  name: "doctor",
  doc:
    "Do what check does, look at MongoDB and the pod too, and print what mends each problem. Writes nothing.",
  also: ["diagnose", "diag", "preflight"],
  options: {
    pod: {
      doc: "Check the pod as well: what kubectl get deployment/NAME -o json prints (- is standard input).",
      value: "FILE",
    },
    json: { doc: "Print the same as one line of JSON." },
  },
  async run({ flags, options }, env) {
    const { examineAndTell } = await import("./doctor_work.ts");
    return await examineAndTell({ asJson: flags.includes("json"), pod: options.pod?.at(-1) }, env);
  },
});

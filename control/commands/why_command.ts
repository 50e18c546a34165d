import { command } from "./command.ts";

/** Tells why a document is not done. */
export const whyCommand = command({
  name: "why",
  doc: "Tell why one document is not done: what keeps it, what happens next, and the command that mends it.",
  also: ["explain", "inspect"],
  operand: "ID",
  options: {
    json: { doc: "Print the same as one line of Extended JSON." },
  },
  async run({ flags, operand }, env) {
    const { tellWhy } = await import("./why_work.ts");
    return await tellWhy({ id: operand!, asJson: flags.includes("json") }, env);
  },
});

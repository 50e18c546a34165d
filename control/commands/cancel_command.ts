import { command } from "./command.ts";

/** Cancels a document. */
export const cancelCommand = command({
  name: "cancel",
  doc: "Cancel one document that waits or is being processed: its handler is aborted within a second.",
  also: ["abort", "discard", "kill"],
  operand: "ID",
  options: {
    reason: { value: "TEXT", doc: "Why: it is kept on the document, and shown by why." },
  },
  async run({ operand, options: { reason } }, env) {
    const { cancel } = await import("./cancel_work.ts");
    return await cancel({ id: operand!, reason: reason?.[0] }, env);
  },
});

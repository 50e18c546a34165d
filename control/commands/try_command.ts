import { command } from "./command.ts";

/** Runs the processor on documents, and writes nothing. */
export const tryCommand = command({
  name: "try",
  doc: "Run the processor on some documents and print what would become of each. Writes nothing.",
  also: ["dry-run", "simulate", "preview"],
  options: {
    id: { value: "ID", isRepeatable: true, doc: "Take the document with this id and any status." },
    file: { value: "FILE", doc: "Take the documents of this file (- is standard input). Needs no database." },
    limit: { value: "N", isCount: true, doc: "Take the next N documents that an agent would claim (10)." },
    json: { doc: "Print each result as one line of Extended JSON." },
  },
  oneOf: ["id", "file", "limit"],
  async run({ flags, options: { id: ids, file, limit } }, env) {
    const { tryProcessor } = await import("./try_work.ts");
    return await tryProcessor({
      ids,
      file: file?.[0],
      limit: limit && Number(limit[0]),
      asJson: flags.includes("json"),
    }, env);
  },
});

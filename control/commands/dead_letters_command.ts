import { command } from "./command.ts";

/** Lists, shows, counts, redrives or purges dead letters. */
export const deadLettersCommand = command({
  name: "dead-letters",
  doc:
    "List dead letters, show one, count them by error, set their documents back to pending, or remove them.",
  also: ["dlq", "letters"],
  words: {
    list: { also: ["ls"], takes: ["id", "filter", "all", "limit", "json"] },
    show: { also: ["get"], operand: "ID", takes: ["json"] },
    summary: { also: ["stats", "count", "group"], takes: ["filter", "all", "newest", "json"] },
    redrive: {
      also: ["retry", "requeue", "replay"],
      takes: ["id", "filter", "all", "rate", "limit", "dry-run"],
      needsOne: true,
    },
    purge: {
      also: ["delete", "remove"],
      takes: ["id", "filter", "all", "rate", "limit", "dry-run"],
      needsOne: true,
    },
  },
  options: {
    id: { value: "ID", isRepeatable: true, doc: "Select the letter of the document with this id." },
    filter: { value: "JSON", doc: "Select the letters that match this query. Extended JSON." },
    all: { doc: "Select all letters of the collection." },
    rate: { value: "N", isCount: true, doc: "Redrive or purge at most N letters a second." },
    limit: {
      value: "N",
      isCount: true,
      doc: "Select at most N letters. More than 1000 are redriven or purged only with it.",
    },
    newest: { doc: "Put the errors of the newest letters first, and not the most frequent ones." },
    "dry-run": { doc: "Report what would be done, and change nothing." },
    json: { doc: "Print each letter, or each group of a summary, as one line of Extended JSON." },
  },
  oneOf: ["id", "filter", "all"],
  async run({ word, operand, flags, options: { id, filter, limit, rate } }, env) {
    const { workOnLetters } = await import("./dead_letters_work.ts");
    return await workOnLetters({
      act: word!,
      ids: operand === undefined ? id : [operand],
      filter: filter?.[0],
      limit: limit && Number(limit[0]),
      perSecond: rate && Number(rate[0]),
      isNewestFirst: flags.includes("newest"),
      isDry: flags.includes("dry-run"),
      asJson: flags.includes("json"),
    }, env);
  },
});

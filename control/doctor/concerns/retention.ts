import type { Document } from "mongodb";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { runCommands } from "../steps.ts";

/** States after which no agent needs a document. */
const FINISHED = ["processed", "failed"];

/** Which rules of the server's remove documents and letters. */
export const retention = databaseConcern({
  name: "retention",
  doc: "TTL indexes, and other rules by which the server removes documents or dead letters",
  findings: {
    ttl: {
      level: "hurts",
      doc: "The server removes documents by their age, whether they are processed or not.",
    },
    ttl_of_any: {
      level: "note",
      doc: "The server removes documents by a date that so far only finished ones have; the index holds any.",
    },
    letter_ttl: {
      level: "note",
      doc: "Dead letters go after a while: `redrive --all` does not find their documents.",
    },
  },
  *look({ indexes, letterIndexes, names, source, ttlOfWaiting }) {
    const { database } = names;
    if (indexes instanceof Unseen) return yield indexes;
    for (const index of indexes.filter(isTtl)) {
      if (isOfFinished(index)) continue;
      const says = `The TTL index ${index.name} of ${names.source} removes documents ${after(index)}`;
      const steps = [forFinished(index, names.source, database)];
      const isKnown = !(ttlOfWaiting instanceof Unseen);
      yield isKnown && !ttlOfWaiting.includes(index.name)
        ? {
          is: "ttl_of_any",
          says: `${says}: no document that waits has a date in ${
            Object.keys(index.key)[0]
          } now, and one may get one`,
          steps,
        }
        : { is: "ttl", says: `${says}, also those that wait or are being processed`, steps };
    }
    if (!(source instanceof Unseen) && source?.options?.clusteredIndex && source.options.expireAfterSeconds) {
      yield {
        is: "ttl",
        says: `The clustered collection ${names.source} removes documents ${after(source.options)}, ` +
          "also those that wait or are being processed",
        steps: [runCommands(database, { collMod: names.source, expireAfterSeconds: "off" })],
      };
    }
    if (letterIndexes instanceof Unseen) return yield letterIndexes;
    for (const index of letterIndexes.filter(isTtl)) {
      yield {
        is: "letter_ttl",
        says:
          `The TTL index ${index.name} of ${names.letters} removes dead letters ${
            after(index)
          }: their documents ` +
          "stay failed, and no command of the agent sets them back",
        steps: [runCommands(database, { dropIndexes: names.letters, index: index.name })],
      };
    }
  },
});

function isTtl({ expireAfterSeconds }: Document): boolean {
  return expireAfterSeconds !== undefined;
}

/** Whether the index has documents alone that are done. Only those have the field `processed_at`. */
function isOfFinished({ key, partialFilterExpression: part }: Document): boolean {
  if (Object.keys(key)[0] === "processed_at") return true;
  const status = part?.status;
  const statuses = status?.$in ?? [status?.$eq ?? status];
  return statuses.every((each: unknown) => FINISHED.includes(String(each)));
}

function after({ expireAfterSeconds }: Document): string {
  const seconds = Number(expireAfterSeconds);
  const days = seconds / 86_400;
  return days >= 2 ? `after ${Math.round(days)} days` : `after ${seconds} s`;
}

/** The same index, for processed documents alone. A server changes no such option of an index that exists. */
function forFinished(
  { expireAfterSeconds, key, name, partialFilterExpression }: Document,
  collection: string,
  database: string,
): Step {
  const index = {
    key,
    name,
    expireAfterSeconds,
    partialFilterExpression: { ...partialFilterExpression, status: "processed" },
  };
  return runCommands(database, { dropIndexes: collection, index: name }, {
    createIndexes: collection,
    indexes: [index],
  });
}

import type { Document } from "mongodb";
import { literal } from "../../../agent/store/documents/mongosh_text.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { byHand, runCommands, setting } from "../steps.ts";

/** What exists under the names of the collections. */
export const collection = databaseConcern({
  name: "collection",
  doc: "kind and collation of the collection and of that of the dead letters",
  findings: {
    no_collection: { level: "stops", doc: "The agent creates no collection, and waits for this one." },
    not_a_collection: { level: "stops", doc: "A view or a time-series collection takes no updates." },
    capped: {
      level: "hurts",
      doc: "The server removes the oldest documents to make room, processed or not.",
    },
    letter_collation: {
      level: "hurts",
      doc:
        "The letters' collection takes ids for the same that the collection keeps apart: a letter is refused.",
    },
    collation: { level: "note", doc: "The collection compares texts by a language, also those of `status`." },
  },
  *look({ letters, names, source, sourceProblem, sourceWarning }) {
    const { database } = names;
    if (sourceProblem instanceof Unseen) return yield sourceProblem;
    if (source instanceof Unseen) return yield source;
    if (letters instanceof Unseen) return yield letters;
    const odd = [source, letters].find((each) => each !== undefined && each.type !== "collection");
    if (sourceProblem !== undefined) {
      const { near, text } = sourceProblem;
      if (odd !== undefined) {
        yield { is: "not_a_collection", says: text, steps: instead(odd, odd === source, names) };
      } else {
        const create = runCommands(database, { create: names.source });
        yield {
          is: "no_collection",
          says: text,
          steps: [near ? setting(near.variable, near.value) : create],
        };
      }
    }
    if (sourceWarning !== undefined) {
      const capped = [source, letters].filter((each) => each?.options?.capped);
      yield {
        is: "capped",
        says: sourceWarning,
        steps: capped.flatMap((each) => copied(each?.name, database)),
      };
    }
    const [own, ofLetters] = [source?.options?.collation, letters?.options?.collation];
    if (ofLetters && JSON.stringify(ofLetters) !== JSON.stringify(own)) {
      yield {
        is: "letter_collation",
        says:
          `The dead letters in ${names.letters} are compared by ${collationText(ofLetters)}, and ids of ` +
          `${names.source} are not: letters of different documents may be taken for the same`,
        steps: copied(names.letters, database),
      };
    }
    if (own) {
      yield {
        is: "collation",
        says: `${names.source} compares texts by ${
          collationText(own)
        }: a status such as "Pending" may count as pending`,
        steps: [
          byHand(
            "leave it, if that is what you want; a collation cannot be changed, only a copy has another",
          ),
        ],
      };
    }
  },
});

function collationText({ locale, strength }: Document): string {
  return `the collation ${locale}${strength === undefined ? "" : `, strength ${strength}`}`;
}

/** What to pull from instead of a view or a time-series collection. */
function instead(
  { name, options, type }: Document,
  isSource: boolean,
  { database, letters, source }: { database: string; letters: string; source: string },
): Step[] {
  if (!isSource) return [setting("DEAD_LETTER_COLLECTION", `${source === letters ? name : source}_letters`)];
  if (type === "view" && typeof options?.viewOn === "string") {
    const [first, ...others] = options.pipeline ?? [];
    const filter = others.length === 0 && first?.$match;
    return [
      setting("MONGODB_COLLECTION", options.viewOn),
      ...(filter ? [setting("FILTER", JSON.stringify(filter))] : []),
    ];
  }
  const copy = `${name}_documents`;
  return [
    runCommands(database, {
      aggregate: name,
      pipeline: [{ $merge: { into: copy, whenMatched: "keepExisting" } }],
      cursor: {},
    }),
    setting("MONGODB_COLLECTION", copy),
  ];
}

/**
 * Moves a collection aside and copies its documents into an ordinary one of its name: what is inserted meanwhile stays
 * as well.
 */
function copied(name: string, database: string): Step[] {
  const aside = `${name}_aside`;
  const namespace = (collection: string) => `${database}.${collection}`;
  return [
    byHand("pause the agents, and make indexes of your own again afterwards"),
    runCommands("admin", { renameCollection: namespace(name), to: namespace(aside) }),
    runCommands(database, { create: name }, {
      aggregate: aside,
      pipeline: [{ $merge: { into: name, whenMatched: "keepExisting" } }],
      cursor: {},
    }),
    byHand(`look at the copy, and drop ${literal(aside)}`),
  ];
}

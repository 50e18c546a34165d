import { formatId } from "../../agent/store/documents/format_id.ts";
import { objectJson } from "../../agent/store/documents/bson_json.ts";
import type { FilterGap, Obstacle, Story } from "../../agent/store/why/story.ts";
import type { StoredFacts, StoredValue } from "../../agent/store/why/stored_facts.ts";
import { untilText } from "./time_text.ts";

/** An obstacle in a sentence. */
export function obstacleText(obstacle: Obstacle, story: Story): string {
  const { facts } = story;
  switch (obstacle.what) {
    case "status":
      return statusText(obstacle.meant, story);
    case "processed":
      return "No claim takes a processed document again";
    case "canceled":
      return canceledText(facts);
    case "failed":
      return failedText(obstacle.letterIn, story);
    case "scheduled":
      return `It is not due before ${untilText(obstacle.until, story.now)}: ${BECAUSE[obstacle.because]}`;
    case "leased":
      return `${ownerText(facts.owner)} holds it under a lease until ${untilText(obstacle.until, story.now)}`;
    case "in_range":
      return `${ownerText(facts.owner)} holds the range of ids that it is in, until ${
        untilText(obstacle.until, story.now)
      }`;
    case "never_due":
      return `Its field _pull.visible_at is ${valueText(facts.visibleAt)}, and only a date can become due`;
    case "endless_lease":
      return `${
        ownerText(facts.owner)
      } holds it under a lease that never ends: its field _pull.visible_at is ${
        valueText(facts.visibleAt)
      } and not a date`;
    case "foreign_lease":
      return 'Its status is "processing" without a lease (_pull.token) of an agent: another program works on it, or has ' +
        "left it so";
    case "foreign_pull":
      return `Its field _pull is ${
        valueText(facts.pull)
      }, which is not the agent's: that is an embedded document`;
    case "filter":
      return `FILTER does not match: ${obstacle.gaps.map(gapText).join("; ")}`;
    case "unnameable_id":
      return "JavaScript cannot hold its _id unchanged, so that no write can name it (text that is not UTF-8, numbers as " +
        "names in an embedded document, a date beyond the year 275760)";
    case "counter":
      return obstacle.isFull
        ? `Its field _pull.${obstacle.field} is the largest number there is, and a claim cannot add 1 to it`
        : `Its field _pull.${obstacle.field} is not a number, and a claim cannot add 1 to it`;
    case "too_large":
      return `With ${obstacle.bytes} bytes it has no room for the fields of a claim: the next agent that meets it makes ` +
        "it a dead letter without a run; make it smaller before";
    case "validator":
      return "The validator of the collection refuses the document as a claim would leave it (status " +
        '"processing", an embedded document _pull)';
    case "unique_index": {
      const { holderId, index, isHeld, key } = obstacle;
      const end = isHeld
        ? "it is claimed when that one is settled"
        : "no agent holds that one, so that this wait does not end by itself";
      return `The unique index ${index} allows one document in processing with ${objectJson(key)}, which is ${
        formatId(holderId)
      }: ${end}`;
    }
    case "unknown":
      return "No query of a claim finds it, and no single condition tells why: its values may be compared by a collation";
  }
}

const BECAUSE = {
  producer: "its producer has scheduled it, or an operator has",
  retry: "its last attempt failed, and it waits for the next one",
  snooze: "its processor has put it off",
  either: "its last attempt failed, or its processor has put it off",
} as const;

/** The agent of a lease. */
export function ownerText(owner: string | undefined): string {
  return owner === undefined ? "An agent without a name" : `The agent ${owner}`;
}

function statusText(meant: string | undefined, { facts: { lookalikes, status } }: Story): string {
  const wanted = 'claims take documents with the status "pending" alone';
  if (status === undefined) {
    const [alike] = lookalikes;
    const hint = alike === undefined
      ? ""
      : `; its field ${JSON.stringify(alike.name)} is ${valueText(alike.value)}`;
    return `It has no field status${hint}: ${wanted}`;
  }
  const slip = meant === undefined ? "" : ", written without blanks and in lower case";
  return `Its status is ${valueText(status)}: ${wanted}${slip}`;
}

function failedText(letterIn: string | undefined, { letters, lettersCollection }: Story): string {
  const failed = "No claim takes a failed document again";
  if (letters.own?.stands) return `${failed}; its dead letter is in ${lettersCollection}`;
  if (letterIn !== undefined) {
    return `${failed}; its dead letter is in ${letterIn}, and DEAD_LETTER_COLLECTION is ${lettersCollection}`;
  }
  if (letters.isForbidden) return `${failed}; this user may not read its dead letter in ${lettersCollection}`;
  if (letters.own !== undefined) {
    return `${failed}; the letter in ${lettersCollection} is of an earlier failure`;
  }
  return `${failed}; there is no dead letter of it in ${lettersCollection}`;
}

function canceledText({ canceled }: StoredFacts): string {
  const at = canceled?.at === undefined ? "" : ` at ${canceled.at.toISOString()}`;
  const why = canceled?.reason === undefined ? "" : ` (${canceled.reason})`;
  return `An operator canceled it${at}${why}, and no claim takes a canceled document`;
}

function gapText({ clause, found }: FilterGap): string {
  const asks = objectJson(clause.query);
  if (clause.path === undefined) return `it asks for ${asks}`;
  const has = found === undefined ? `no field ${clause.path}` : `${clause.path}: ${valueText(found)}`;
  return `it asks for ${asks}, and the document has ${has}`;
}

/** A value and its type, unless the value shows its type. */
export function valueText(value: StoredValue | undefined): string {
  if (value === undefined) return "missing";
  if (value.type === "null" || value.type === "boolean") return value.json;
  return `${value.json} (${value.type})`;
}

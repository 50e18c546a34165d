import type { Document } from "mongodb";
import { objectJson } from "../../agent/store/documents/bson_json.ts";
import type { MissingStory, Story } from "../../agent/store/why/story.ts";
import { secrets } from "../../agent/text/redact.ts";
import type { AgentHere } from "./agent_here.ts";
import { mendOf, restoreOf } from "./mends.ts";
import { obstacleText } from "./obstacle_text.ts";
import { type AnswerSettings, headline, nextText, stateOf } from "./story_answer.ts";

/** The story of a document as one line of Extended JSON. */
export function storyJson(story: Story, settings: AnswerSettings, here: AgentHere | undefined): string {
  const { bookkeeping = {}, facts, letters } = story;
  return json({
    // One that cannot be sent cannot be written either.
    id: story.isNameable ? story.id : facts.id.json,
    id_type: facts.id.type,
    database: story.database,
    collection: story.collection,
    found: true,
    state: stateOf(story),
    claimable: story.obstacles.length === 0,
    answer: headline(story),
    next: nextText(story, settings, here),
    obstacles: story.obstacles.map((obstacle) => ({
      what: obstacle.what,
      text: obstacleText(obstacle, story),
      mend: mendOf(obstacle, story),
    })),
    kind: story.kind,
    after_claim: story.kind === undefined ? undefined : story.afterClaim,
    before: story.before,
    status: facts.status?.json,
    status_type: facts.status?.type,
    bytes: story.bytes,
    attempts: bookkeeping.attempts,
    max_attempts: settings.maxAttempts,
    snoozes: facts.snoozes,
    takeovers: bookkeeping.takeovers,
    alone: bookkeeping.alone,
    owner: facts.hasToken ? facts.owner : undefined,
    visible_at: facts.visibleAtDate,
    verdict_at: bookkeeping.dead_at,
    processed_at: facts.processedAt,
    canceled: facts.canceled,
    checkpoint: facts.saved,
    error: facts.error,
    errors: facts.errors.map(({ at, attempt, message }) => ({ at, attempt, message })),
    letter: letters.own && { ...letters.own, in: story.lettersCollection },
    agent: agentJson(here),
    server_time: story.now,
  });
}

/** The same of a document that is not there. */
export function missingJson(story: MissingStory): string {
  const { collection, database, inOthers, letter, lettersCollection, text } = story;
  return json({
    typed: text,
    database,
    collection,
    found: false,
    letter: letter?.letters.own && { ...letter.letters.own, id: letter.id, in: lettersCollection },
    also_in: inOthers.map(({ collection, isLetter }) => ({ collection, is_letter: isLetter })),
    mend: restoreOf(story),
  });
}

function agentJson(here: AgentHere | undefined): Document | undefined {
  if (here === undefined) return undefined;
  const { isAlive, status: { connected, control, held, name, ready, state } } = here;
  return { name, alive: isAlive, state, control, ready, connected, held };
}

/** Only texts that an agent wrote can hold secrets: the values of the user's stay as they are. */
function json(document: Document): string {
  return objectJson(document, (text, field) => REDACTED.has(field) ? secrets.text(text) : text);
}

const REDACTED: ReadonlySet<string> = new Set(["error", "errors", "letter"]);

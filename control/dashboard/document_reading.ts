import type { Clock } from "../../agent/lib/clock.ts";
import type { DocumentStories } from "../../agent/store/why/document_stories.ts";
import type { Story } from "../../agent/store/why/story.ts";
import { documentKey } from "../../agent/store/documents/document_key.ts";
import { documentText } from "../../agent/store/documents/document_text.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { missingJson, storyJson } from "../why/story_json.ts";
import type { AnswerSettings } from "../why/story_answer.ts";
import type { DocumentAnswer, DocumentFound } from "./api.ts";
import type { Asked } from "./asked.ts";
import type { Kept } from "./kept.ts";
import { badRequest } from "./refusal.ts";
import { type MadeAnswer, SharedAnswers } from "./shared_answers.ts";
import { shownKey } from "./shown_key.ts";
import { Turns } from "./turns.ts";

/** Documents that are read at the same time, and that wait for it: each may have 16 MB. */
const TURNS = { atOnce: 2, waiting: 32, work: "look at documents" };
/** This much of a document is shown, in UTF-16 units. */
const MAX_SHOWN = 1_000_000;
/** A document of more bytes may have so many fields that to read it takes a second. */
const LARGE = 2 ** 20;

/** Tells the story of a document, and shows the document itself if it is asked for. */
export class DocumentReading {
  readonly #stories: Kept<DocumentStories>;
  readonly #settings: AnswerSettings;
  readonly #turns = new Turns(TURNS);
  readonly #answers: SharedAnswers<string>;
  readonly #clock: Clock;

  constructor(stories: Kept<DocumentStories>, settings: AnswerSettings, clock: Clock) {
    this.#clock = clock;
    this.#stories = stories;
    this.#settings = settings;
    this.#answers = new SharedAnswers(clock);
  }

  /** The JSON of a `DocumentAnswer`. Throws what the driver throws. */
  async answer(asked: Asked): Promise<string> {
    const key = asked.parameter("key");
    const typed = key ?? asked.parameter("id");
    if (typed === undefined || typed.trim() === "") {
      throw badRequest("id is missing: type that of a document");
    }
    const isWhole = asked.parameter("document") === "1";
    const question = JSON.stringify([typed, key, isWhole]);
    return await this.#answers.get(question, () => this.#turns.take(() => this.#tell(typed, key, isWhole)));
  }

  /** Makes the next look read anew: something was changed. */
  forget(): void {
    this.#answers.forget();
  }

  async #tell(typed: string, key: string | undefined, isWhole: boolean): Promise<MadeAnswer<string>> {
    const startMs = this.#clock.monotonicMs();
    const stories = await this.#stories.get();
    const found = await stories.of(typed);
    if (!Array.isArray(found)) {
      return { value: answerOf({ documents: "[]", missing: missingJson(found) }), dearMs: undefined };
    }
    // A text may be an _id as well: a key means one document alone.
    const meant = key === undefined ? found : found.filter(({ id }) => documentKey(id) === key);
    const shown: string[] = [];
    for (const story of meant) shown.push(await this.#shown(stories, story, isWhole));
    const isDear = meant.some(({ bytes }) => bytes > LARGE);
    return {
      value: answerOf({ documents: `[${shown.join(",")}]`, missing: "null" }),
      dearMs: isDear ? this.#clock.monotonicMs() - startMs : undefined,
    };
  }

  async #shown(stories: DocumentStories, story: Story, isWhole: boolean): Promise<string> {
    const { id, isNameable, isNear } = story;
    const bytes = isWhole ? await stories.stored(story) : undefined;
    const text = bytes && documentText(bytes, MAX_SHOWN);
    const fields: Omit<DocumentFound, "story"> = {
      key: isNameable ? shownKey(id) : null,
      id: formatId(id),
      is_near: isNear,
      text: text && bytes ? { json: text.json, is_cut: text.isCut, bytes: bytes.length } : null,
    };
    const parts = Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]);
    return jsonOf({ ...Object.fromEntries(parts), story: storyJson(story, this.#settings, undefined) });
  }
}

/** A story is JSON with integers that JavaScript would round: it stays text. */
function answerOf(parts: Record<keyof DocumentAnswer, string>): string {
  return jsonOf(parts);
}

/** An object whose values are JSON already. */
function jsonOf(parts: Readonly<Record<string, string>>): string {
  return `{${Object.entries(parts).map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type {
  DocumentAnswer,
  DocumentAsk,
  DocumentFound,
  DoneAnswer,
  SessionAnswer,
  StoryJson,
} from "../api.ts";
import { ActionDialog } from "./action_dialog.tsx";
import { get, post, textOf } from "./api_client.ts";
import { attemptsText } from "./attempts_text.ts";
import { isoOf, numberOf } from "./bson_value.ts";
import { Command } from "./command.tsx";
import { bytes, many, sentence } from "./format.ts";
import { StateDrawing } from "./state_drawing.tsx";
import { Ago } from "./time.tsx";

interface DocumentStoryProps {
  found: DocumentFound;
  about: NonNullable<SessionAnswer["about"]>;
  onChange: () => Promise<void>;
}

/** The story of a document that is there. */
export function DocumentStory({ found, about, onChange }: DocumentStoryProps) {
  const { key, id, is_near, story } = found;
  const [wanted, setWanted] = useState<"requeue" | "cancel">();
  const [done, setDone] = useState<string>();
  const act = async (filled: Omit<DocumentAsk, "key">) => {
    const { text } = await post<DoneAnswer>(`api/${wanted}`, { ...filled, key });
    setDone(text);
    await onChange();
  };
  const isOpen = ["claimable", "waiting", "leased", "stuck"].includes(story.state);
  return (
    <section class="story" aria-label={id}>
      <div class="heading">
        <h1 class="text">
          {id} <small>{story.id_type} in {story.collection}</small>
        </h1>
        {about.actions.allowed && key !== null && (
          <div class="buttons">
            <button type="button" onClick={() => setWanted("requeue")} disabled={story.state === "leased"}>
              Requeue…
            </button>
            <button type="button" onClick={() => setWanted("cancel")} disabled={!isOpen}>Cancel…</button>
          </div>
        )}
      </div>
      {is_near && <p class="hint">This is not the id as it was typed, only near to it.</p>}
      {done && <p class="done" role="status">{done}</p>}
      <div class="card answer">
        <p class={`state ${TONES[story.state]}`}>{sentence(story.answer)}</p>
        {story.obstacles.map(({ text, mend }) => (
          <div class="obstacle">
            <p>{sentence(text)}</p>
            {mend && <Command {...mend} />}
          </div>
        ))}
        <p class="next">
          <b>Next</b> {sentence(story.next)}
        </p>
      </div>
      <div class="card">
        <StateDrawing story={story} />
      </div>
      <div class="columns">
        <Attempts story={story} />
        <Bookkeeping story={story} />
      </div>
      {key !== null && <Contents id={key} />}
      {wanted && (
        <ActionDialog
          title={wanted === "requeue" ? "Requeue a document" : "Cancel a document"}
          verb={wanted === "requeue" ? "Requeue" : "Cancel the document"}
          isDangerous={wanted === "cancel"}
          act={act}
          onClose={() => setWanted(undefined)}
        >
          <strong class="text">{id}</strong> {wanted === "requeue"
            ? "becomes pending again, as if no agent had run it: its attempts and errors are forgotten."
            : "gets the status canceled. If its handler runs, it is aborted."}
        </ActionDialog>
      )}
    </section>
  );
}

const TONES: Readonly<Record<StoryJson["state"], string>> = {
  claimable: "ok",
  waiting: "ok",
  leased: "ok",
  processed: "ok",
  failed: "bad",
  stuck: "bad",
  canceled: "gone",
};

function Attempts({ story }: { story: StoryJson }) {
  const errors = story.errors.toReversed();
  return (
    <section class="card" aria-label="Attempts">
      <h2>
        Attempts <small>{attemptsText(story)}</small>
      </h2>
      {errors.length === 0 && <p class="empty">{story.error ?? "No attempt has failed."}</p>}
      <ol class="attempts">
        {errors.map(({ at, attempt, message }) => (
          <li>
            <p>
              <b>Attempt {numberOf(attempt) ?? "?"}</b> failed <Ago at={isoOf(at)} />
            </p>
            <pre>{message}</pre>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Bookkeeping({ story }: { story: StoryJson }) {
  const rows: [string, ComponentChildren][] = [];
  const say = (name: string, value: ComponentChildren) => {
    if (value !== undefined && value !== null && value !== false) rows.push([name, value]);
  };
  const positive = (value: unknown, noun: string) => {
    const n = numberOf(value) ?? 0;
    return n > 0 && many(n, noun);
  };
  const ago = (iso: string | undefined) => iso && <Ago at={iso} />;
  say("status", story.status === undefined ? "none" : story.status.replace(/^"(.*)"$/s, "$1"));
  say("size", bytes(numberOf(story.bytes) ?? 0));
  say("held by", story.owner);
  say(story.owner ? "lease until" : "due", ago(isoOf(story.visible_at)));
  say("before it", story.claimable && positive(story.before, "document"));
  say("snoozed", positive(story.snoozes, "time"));
  say("lost leases", positive(story.takeovers, "takeover"));
  say("ran alone", positive(story.alone, "time"));
  say(
    "checkpoint",
    story.checkpoint &&
      `number ${story.checkpoint.number ?? "?"}, ${bytes(numberOf(story.checkpoint.bytes) ?? 0)}`,
  );
  say("verdict", ago(isoOf(story.verdict_at)));
  say("processed", ago(isoOf(story.processed_at)));
  say(
    "canceled",
    story.canceled && (
      <>
        <Ago at={isoOf(story.canceled.at)} /> {story.canceled.reason}
      </>
    ),
  );
  say(
    "dead letter",
    story.letter && (
      <>
        in {story.letter.in}, <Ago at={isoOf(story.letter.deadAt)} />
        {!story.letter.stands && ", which does not fit the document any more"}
      </>
    ),
  );
  return (
    <section class="card" aria-label="Bookkeeping">
      <h2>Bookkeeping</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd class="text">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The document itself: only on demand, because it may hold what is not meant for everyone who looks. */
function Contents({ id }: { id: string }) {
  const [found, setFound] = useState<DocumentFound["text"]>();
  const [error, setError] = useState<string>();
  const show = async () => {
    try {
      const { documents } = await get<DocumentAnswer>(
        `api/document?key=${encodeURIComponent(id)}&document=1`,
      );
      setFound(documents[0]?.text ?? null);
      setError(documents[0]?.text ? undefined : "It is not there any more.");
    } catch (refused) {
      setError(textOf(refused));
    }
  };
  return (
    <section class="card" aria-label="The document">
      <div class="heading">
        <h2>The document itself {found && <small>{bytes(found.bytes)}</small>}</h2>
        <div class="buttons">
          <button type="button" onClick={show}>{found ? "Read again" : "Show it"}</button>
          {found && <button type="button" onClick={() => setFound(undefined)}>Hide it</button>}
        </div>
      </div>
      {!found && !error && <p class="hint">It is not shown unless you ask: it may hold personal data.</p>}
      {error && <p class="error" role="alert">{error}</p>}
      {found?.is_cut && <p class="hint">Only its beginning is shown.</p>}
      {found && <pre class="document" tabIndex={0}>{found.json}</pre>}
    </section>
  );
}

import type { DocumentAnswer, SessionAnswer } from "../api.ts";
import { useLive } from "./live.ts";
import { Ago } from "./time.tsx";
import { Command } from "./command.tsx";
import { isoOf } from "./bson_value.ts";
import { hrefOf } from "./route.ts";
import { DocumentStory } from "./document_story.tsx";

const REFRESH_MS = 3000;

interface DocumentPageProps {
  params: URLSearchParams;
  about: NonNullable<SessionAnswer["about"]>;
}

/** One document: why it is as it is, and what to do. */
export function DocumentPage({ params, about }: DocumentPageProps) {
  const id = params.get("id") ?? undefined;
  const key = params.get("key") ?? undefined;
  const query = key !== undefined ? `key=${encodeURIComponent(key)}` : id && `id=${encodeURIComponent(id)}`;
  const { answer, error, refresh } = useLive<DocumentAnswer>(query && `api/document?${query}`, REFRESH_MS);
  if (query === undefined || query === "") {
    return (
      <section>
        <h1>Document</h1>
        <p class="empty">
          Type an id into the field above (<kbd>/</kbd>) to see the story of one document: whether an agent
          would take it, what keeps it, each attempt with its error, and what to do. An ObjectId is its 24
          digits; numbers, texts and UUIDs are found as they are typed.
        </p>
      </section>
    );
  }
  if (answer === undefined) {
    return error
      ? <p class="error" role="alert">{error.message}</p>
      : <p class="empty">Looking for {id ?? "it"}…</p>;
  }
  const { documents, missing } = answer;
  return (
    <>
      {error && <p class="error" role="alert">{error.message}</p>}
      {documents.length > 1 && (
        <p class="hint">{documents.length} documents have an id that reads like this one.</p>
      )}
      {documents.map((found) => (
        <DocumentStory key={found.key ?? found.id} found={found} about={about} onChange={refresh} />
      ))}
      {missing && <Missing missing={missing} />}
    </>
  );
}

function Missing({ missing }: { missing: NonNullable<DocumentAnswer["missing"]> }) {
  const { typed, collection, database, letter, also_in, mend } = missing;
  return (
    <section>
      <h1 class="text">{typed}</h1>
      <p class="answer">There is no document with this id in {database}.{collection}.</p>
      {letter && (
        <p>
          It was deleted after it had failed: {letter.in} has its dead letter of{" "}
          <Ago at={isoOf(letter.deadAt)} />
          {letter.hasCopy ? ", with a copy of it." : ", without a copy of it."}
        </p>
      )}
      {also_in.map((it) => (
        <p>
          {it.collection} has {it.is_letter
            ? "a dead letter of it: look at DEAD_LETTER_COLLECTION"
            : "a document with this id: look at MONGODB_COLLECTION"}.
        </p>
      ))}
      {!letter && also_in.length === 0 && (
        <p class="hint">
          It was never inserted here, or was deleted. Is the id typed in full?{" "}
          <a href={hrefOf("overview")}>Overview</a>
        </p>
      )}
      {mend && <Command {...mend} />}
    </section>
  );
}

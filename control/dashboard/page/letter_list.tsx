import { useEffect, useState } from "preact/hooks";
import type { LetterRow, LettersAnswer } from "../api.ts";
import { get, textOf } from "./api_client.ts";
import { many } from "./format.ts";
import { rowKeys } from "./keys.tsx";
import { hrefOf } from "./route.ts";
import { Ago } from "./time.tsx";
import type { Wanted } from "./wanted.ts";

/** After so many pages without a letter of the group, the viewer decides whether to look further. */
const EMPTY_PAGES = 20;

interface LetterListProps {
  /** The name of the group that is shown; undefined: all. */
  title?: string;
  /** What selects its letters. */
  query: Record<string, string>;
  allowed: boolean;
  onWant: (wanted: Wanted) => void;
}

/** The letters, page after page by the server's cursor. */
export function LetterList({ title, query: selected, allowed, onWant }: LetterListProps) {
  const [letters, setLetters] = useState<LetterRow[]>([]);
  const [next, setNext] = useState<string | null>();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const more = async () => {
    const query = new URLSearchParams({
      ...(next && { after: next }),
      ...selected,
    });
    setBusy(true);
    try {
      let answer = await get<LettersAnswer>(`api/letters?${query}`);
      // A page without a letter of the group is not the end: the next one may have some.
      for (
        let empty = 1;
        answer.next !== null && answer.letters.length === 0 && empty < EMPTY_PAGES;
        empty++
      ) {
        query.set("after", answer.next);
        answer = await get<LettersAnswer>(`api/letters?${query}`);
      }
      const { letters: found, next: following } = answer;
      setLetters((before) => [...before, ...found]);
      setNext(following);
      setError(undefined);
    } catch (refused) {
      setError(textOf(refused));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    more();
  }, []);
  const toggle = (key: string) => setChosen((before) => before.symmetricDifference(new Set([key])));
  const want = (action: Wanted["action"]) =>
    onWant({ action, selection: { keys: [...chosen] }, what: many(chosen.size, "chosen letter") });
  return (
    <section aria-labelledby="letters" class="wide">
      <div class="heading">
        <h2 id="letters">{title === undefined ? "All letters" : "Letters of the group"}</h2>
        {title !== undefined && (
          <p class="text">
            {title} · <a href={hrefOf("letters")}>show all</a>
          </p>
        )}
        {chosen.size > 0 && (
          <div class="buttons">
            <button type="button" onClick={() => want("redrive")}>Redrive {chosen.size}…</button>
            <button type="button" onClick={() => want("purge")}>Purge {chosen.size}…</button>
          </div>
        )}
      </div>
      {letters.length > 0 && (
        <div class="scroll">
          <table class="stack">
            <thead>
              <tr>
                {allowed && (
                  <th class="tick">
                    <span class="unseen">Choose</span>
                  </th>
                )}
                <th>Document</th>
                <th>Error</th>
                <th class="num">Attempts</th>
                <th class="num">Died</th>
              </tr>
            </thead>
            <tbody onKeyDown={rowKeys}>
              {letters.map(({ key, id, error, attempts, dead_at }, at) => (
                // Long ids are cut, and then may look the same.
                <tr key={key ?? at} tabIndex={0}>
                  {allowed && (
                    <td class="tick">
                      {key !== null && (
                        <input
                          type="checkbox"
                          aria-label={`Choose ${id}`}
                          checked={chosen.has(key)}
                          onChange={() => toggle(key)}
                        />
                      )}
                    </td>
                  )}
                  <td class="text">
                    <a href={hrefOf("document", key === null ? { id } : { key })}>{id}</a>
                  </td>
                  <td class="text">{error}</td>
                  <td data-label="Attempts" class="num">{attempts ?? "–"}</td>
                  <td data-label="Died" class="num">
                    <Ago at={dead_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {error && <p class="error" role="alert">{error}</p>}
      {next === null && letters.length === 0 && (
        <p class="empty">There is no letter of this group any more.</p>
      )}
      {next !== null && (
        <button type="button" class="more" onClick={more} disabled={isBusy}>
          {isBusy ? "Reading…" : "Show more"}
        </button>
      )}
    </section>
  );
}

import { useState } from "preact/hooks";
import type { GroupRow, GroupsAnswer, JobAnswer, JobsAnswer, SessionAnswer } from "../api.ts";
import { ActionDialog, type Filled } from "./action_dialog.tsx";
import { post } from "./api_client.ts";
import { many, whole } from "./format.ts";
import { Jobs } from "./jobs.tsx";
import { rowKeys } from "./keys.tsx";
import { LetterList } from "./letter_list.tsx";
import { useLive } from "./live.ts";
import { hrefOf } from "./route.ts";
import { Ago } from "./time.tsx";
import type { Wanted } from "./wanted.ts";

const REFRESH_MS = 5000;
const JOBS_MS = 1000;
/** The group of what is in none of the first thousand. */
const OTHERS = "all other errors";

interface LettersPageProps {
  params: URLSearchParams;
  about: NonNullable<SessionAnswer["about"]>;
}

/** Dead letters: what fails, in groups; the letters; and the work on many of them. */
export function LettersPage({ params, about }: LettersPageProps) {
  const group = params.get("pattern") ?? undefined;
  const areOthers = params.get("others") === "1";
  const groups = useLive<GroupsAnswer>("api/groups", REFRESH_MS);
  const jobs = useLive<JobsAnswer>("api/jobs", JOBS_MS);
  const [wanted, setWanted] = useState<Wanted>();
  const [changes, setChanges] = useState(0);
  const { allowed } = about.actions;
  const answer = groups.answer;
  const trouble = groups.error?.message ?? answer?.trouble;
  const act = async (filled: Filled) => {
    await post<JobAnswer>(`api/letters/${wanted!.action}`, { ...filled, ...wanted!.selection });
    await jobs.refresh();
  };
  const ended = () => {
    setChanges((n) => n + 1);
    groups.refresh();
  };
  return (
    <>
      <div class="heading">
        <h1>
          Dead letters{" "}
          <small>
            {answer && (answer.letters > 0 || answer.is_complete) &&
              `${answer.is_complete ? "" : "≥ "}${whole(answer.letters)} in ${about.letters}`}
          </small>
        </h1>
        {allowed && (answer?.letters ?? 0) > 0 && (
          <div class="buttons">
            <button
              type="button"
              onClick={() =>
                setWanted({ action: "redrive", selection: { all: true }, what: "all dead letters" })}
            >
              Redrive all…
            </button>
          </div>
        )}
      </div>
      {trouble && <p class="error" role="alert">{trouble}</p>}
      <Jobs jobs={jobs.answer?.jobs ?? []} onChange={jobs.refresh} onEnd={ended} />
      {!trouble && !answer?.groups.length && !answer?.is_complete && (
        <p class="empty">Reading the dead letters…</p>
      )}
      {answer?.groups.length === 0 && answer.is_complete && (
        <p class="empty">
          No dead letters: each document was processed, or is still tried. One that fails for good shows up
          here with its error, and can be set back to pending once the cause is mended.
        </p>
      )}
      {answer && answer.groups.length > 0 && (
        <section aria-labelledby="groups" class="wide">
          <h2 id="groups">
            By error <small>{answer.groups_total}</small>
          </h2>
          {!answer.is_complete && <p class="hint">Still reading: {many(answer.letters, "letter")} so far.</p>}
          <div class="scroll">
            <table class="stack">
              <thead>
                <tr>
                  <th>Error</th>
                  <th class="num">Letters</th>
                  <th class="num">First</th>
                  <th class="num">Last</th>
                  <th>Example</th>
                  {allowed && (
                    <th>
                      <span class="unseen">What to do</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody onKeyDown={rowKeys}>
                {answer.groups.map((row) => (
                  <tr
                    key={row.pattern ?? OTHERS}
                    tabIndex={0}
                    class={(row.pattern === null ? areOthers : row.pattern === group) ? "chosen" : ""}
                  >
                    <td class="text">
                      <a href={hrefOf("letters", selectionOf(row))} title={row.example_error}>
                        {row.pattern ?? OTHERS}
                      </a>
                    </td>
                    <td data-label="Letters" class="num">{whole(row.letters)}</td>
                    <td data-label="First" class="num">
                      <Ago at={row.first} />
                    </td>
                    <td data-label="Last" class="num">
                      <Ago at={row.last} />
                    </td>
                    <td data-label="Example" class="text">
                      <a
                        href={hrefOf(
                          "document",
                          row.example_key ? { key: row.example_key } : { id: row.example_id },
                        )}
                      >
                        {row.example_id}
                      </a>
                    </td>
                    {allowed && (
                      <td class="buttons">
                        <GroupButtons pattern={row.pattern} onWant={setWanted} />
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {answer.groups_total > answer.groups.length && (
            <p class="hint">
              {whole(answer.groups_total - answer.groups.length)} smaller groups are not shown.
            </p>
          )}
        </section>
      )}
      {(answer?.letters ?? 0) > 0 && (
        <LetterList
          key={`${group} ${areOthers} ${changes}`}
          {...(areOthers
            ? { title: OTHERS, query: { others: "1" } }
            : group === undefined
            ? { query: {} }
            : { title: group, query: { pattern: group } })}
          allowed={allowed}
          onWant={setWanted}
        />
      )}
      {wanted && <WantedDialog wanted={wanted} act={act} onClose={() => setWanted(undefined)} />}
    </>
  );
}

/** How the letters of a group are asked for. */
function selectionOf({ pattern }: GroupRow): { pattern: string } | { others: string } {
  return pattern === null ? { others: "1" } : { pattern };
}

function GroupButtons(
  { pattern, onWant }: { pattern: string | null; onWant: (wanted: Wanted) => void },
) {
  const want = (action: Wanted["action"]) =>
    onWant({
      action,
      selection: pattern === null ? { others: true } : { pattern },
      what: pattern === null ? `the letters of ${OTHERS}` : `the letters of “${pattern}”`,
    });
  return (
    <>
      <button type="button" onClick={() => want("redrive")}>Redrive…</button>
      <button type="button" onClick={() => want("purge")}>Purge…</button>
    </>
  );
}

interface WantedDialogProps {
  wanted: Wanted;
  act: (filled: Filled) => Promise<void>;
  onClose: () => void;
}

function WantedDialog({ wanted: { action, what }, act, onClose }: WantedDialogProps) {
  const isPurge = action === "purge";
  return (
    <ActionDialog
      title={isPurge ? "Purge dead letters" : "Redrive dead letters"}
      verb="Count them first"
      hasRate
      act={act}
      onClose={onClose}
    >
      {isPurge
        ? (
          <>
            Deletes <strong class="text">{what}</strong> for good. The documents stay, as failed.
          </>
        )
        : (
          <>
            Sets the documents of <strong class="text">{what}</strong> back to pending, with no attempts.
          </>
        )} Nothing changes before you have seen the count and typed it.
    </ActionDialog>
  );
}

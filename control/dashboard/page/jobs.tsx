import { useEffect, useRef, useState } from "preact/hooks";
import type { ConfirmAsk, Job, JobAnswer } from "../api.ts";
import { post, textOf } from "./api_client.ts";
import { many, whole } from "./format.ts";
import { Ago } from "./time.tsx";

interface JobsProps {
  /** The newest first. */
  jobs: Job[];
  onChange: () => Promise<void>;
  /** A job has come to its end. */
  onEnd: () => void;
}

/** How many jobs that are over stay in sight. */
const KEPT = 2;

/** The work on many letters: what is counted, to be confirmed, runs or is over. */
export function Jobs({ jobs, onChange, onEnd }: JobsProps) {
  const over = jobs.filter(({ ended_at }) => ended_at !== null);
  const shown = jobs.filter((job) => job.ended_at === null || over.indexOf(job) < KEPT);
  const overBefore = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (overBefore.current !== undefined && over.length > overBefore.current) onEnd();
    overBefore.current = over.length;
  }, [over.length]);
  if (shown.length === 0) return null;
  return (
    <section aria-label="Work on letters" class="jobs">
      {shown.map((job) => <JobCard key={job.id} job={job} onChange={onChange} />)}
    </section>
  );
}

const DOES = { redrive: "Redrive", purge: "Purge" } as const;
const DID = { redrive: "Redrove", purge: "Purged" } as const;

function JobCard({ job, onChange }: { job: Job; onChange: () => Promise<void> }) {
  const [error, setError] = useState<string>();
  const send = async (what: "confirm" | "stop", body: unknown) => {
    try {
      await post<JobAnswer>(`api/jobs/${encodeURIComponent(job.id)}/${what}`, body);
      setError(undefined);
      await onChange();
    } catch (refused) {
      setError(textOf(refused));
    }
  };
  const { state, count, done, passed_over, refused, refusals, rate } = job;
  const isOver = job.ended_at !== null;
  return (
    <article class={`card job ${state}`}>
      <h3>
        {DOES[job.action]} <span class="text">{job.what}</span>
      </h3>
      <p class="hint text">
        {job.by}: “{job.reason}” · <Ago at={job.created_at} />
        {rate !== null && ` · at most ${whole(rate)} per second`}
      </p>
      {state === "counting" && <p role="status">Counting: {many(count, "letter")} so far…</p>}
      {state === "to_confirm" && <Confirm job={job} onConfirm={(ask) => send("confirm", ask)} />}
      {state === "running" && (
        <>
          <progress max={Math.max(1, count)} value={done + passed_over + refused} aria-label="Progress" />
          <p role="status">{whole(done)} of {many(count, "letter")}</p>
        </>
      )}
      {isOver && (
        <p role="status" class={state === "done" ? "done" : "error"}>
          {state === "done" ? DID[job.action] : state === "stopped" ? `Stopped after` : "Failed after"}{" "}
          {many(done, "letter")}
          {job.error && `: ${job.error}`}
        </p>
      )}
      {passed_over > 0 && (
        <p class="hint">{many(passed_over, "letter")} had changed meanwhile and stayed as they are.</p>
      )}
      {refused > 0 && (
        <details>
          <summary>{many(refused, "letter")} refused</summary>
          <ul>{refusals.map((text) => <li key={text} class="text">{text}</li>)}</ul>
        </details>
      )}
      {error && <p class="error" role="alert">{error}</p>}
      {!isOver && (
        <div class="buttons">
          <button type="button" onClick={() => send("stop", {})}>
            {state === "running" ? "Stop" : "Do nothing"}
          </button>
        </div>
      )}
    </article>
  );
}

function Confirm({ job: { action, count }, onConfirm }: { job: Job; onConfirm: (ask: ConfirmAsk) => void }) {
  const [typed, setTyped] = useState("");
  const confirm = (event: SubmitEvent) => {
    event.preventDefault();
    onConfirm({ count });
  };
  if (count === 0) return <p>No letter is selected: there is nothing to do.</p>;
  const does = action === "purge" ? "will be deleted for good" : "will become pending documents again";
  return (
    <form class="confirm" onSubmit={confirm}>
      <label>
        <span>
          <b>{many(count, "letter")}</b> {does}. Type {count} to go on:
        </span>
        <input
          inputMode="numeric"
          autocomplete="off"
          autofocus
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button
        type="submit"
        class={action === "purge" ? "danger" : "main"}
        disabled={typed.replace(/[ ,.]/g, "") !== String(count)}
      >
        {DOES[action]} {whole(count)}
      </button>
    </form>
  );
}

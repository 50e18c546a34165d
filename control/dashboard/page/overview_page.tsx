import { inOneLine } from "./shown_text.ts";
import { useState } from "preact/hooks";
import type { DoneAnswer, FleetAsk, SessionAnswer } from "../api.ts";
import type { Overview } from "../../fleet/overview.ts";
import { ActionDialog } from "./action_dialog.tsx";
import { AgentsTable } from "./agents_table.tsx";
import { post } from "./api_client.ts";
import { Command } from "./command.tsx";
import { Charts } from "./charts.tsx";
import { ErrorGroups } from "./error_groups.tsx";
import { many } from "./format.ts";
import { Tiles } from "./tiles.tsx";
import { Ago } from "./time.tsx";
import type { Verdict } from "./verdict.ts";

interface OverviewPageProps {
  overview: Overview | undefined;
  verdict: Verdict | undefined;
  about: NonNullable<SessionAnswer["about"]>;
  onChange: () => Promise<void>;
}

/** What a viewer who may not act can have done. */
const RESUME = `pulling-agent resume --fleet --reason "..."`;

/** The fleet in one look. */
export function OverviewPage({ overview, verdict, about, onChange }: OverviewPageProps) {
  const [wanted, setWanted] = useState<"pause" | "resume">();
  const [done, setDone] = useState<string>();
  if (overview === undefined || verdict === undefined) return <p class="empty">Looking at the fleet…</p>;
  const { control, agents, agents_total, notes } = overview;
  const isPaused = control?.state === "paused";
  const isAnyPaused = isPaused || agents.some(({ paused, presence }) => paused && presence === "alive");
  const act = async (ask: FleetAsk) => {
    const { text } = await post<DoneAnswer>(`api/${wanted}`, ask);
    setDone(text);
    await onChange();
  };
  return (
    <>
      <h1 class="unseen">Overview</h1>
      {verdict.findings.length > 0 && (
        <ul class="findings" aria-label="What needs a look">
          {verdict.findings.map(({ tone, text, at }) => (
            <li class={tone}>
              <a href={`#${at}`} onClick={(event) => jump(event, at)}>{text}</a>
            </li>
          ))}
        </ul>
      )}
      {isAnyPaused && (
        <div class="mend">
          {about.actions.allowed
            ? <button type="button" class="main" onClick={() => setWanted("resume")}>Resume all…</button>
            : <Command tool="shell" command={RESUME} />}
        </div>
      )}
      {done && <p class="done" role="status">{done}</p>}
      <Tiles work={overview.work} />
      <Charts history={overview.history} />
      <section aria-labelledby="agents" class="wide">
        <div class="heading">
          <h2 id="agents">
            Agents <small>{agents_total}</small>
          </h2>
          {control && (
            <p class={`control ${isPaused ? "paused" : ""}`}>
              {isPaused ? "Paused" : "Resumed"} for all by <strong>{inOneLine(control.by)}</strong>
              {control.reason && <>: “{inOneLine(control.reason)}”</>} · <Ago at={control.at} />
            </p>
          )}
          {about.actions.allowed && (
            <div class="buttons">
              <button type="button" onClick={() => setWanted("pause")} disabled={isPaused}>Pause all…</button>
            </div>
          )}
        </div>
        <AgentsTable agents={agents} total={agents_total} />
      </section>
      <ErrorGroups errors={overview.errors} />
      {notes.length > 0 && (
        <section aria-labelledby="notes">
          <h2 id="notes">Notes</h2>
          <ul class="notes">{notes.map((note) => <li key={note}>{note}</li>)}</ul>
        </section>
      )}
      {wanted && (
        <ActionDialog
          title={wanted === "pause" ? "Pause all agents" : "Resume all agents"}
          verb={wanted === "pause" ? "Pause all" : "Resume all"}
          isDangerous={wanted === "pause"}
          act={act}
          onClose={() => setWanted(undefined)}
        >
          {wanted === "pause"
            ? `${
              many(agents_total, "agent")
            } of ${about.source} will claim nothing and start nothing, also those that start later. Handlers that run go on to their end.`
            : `${
              many(agents_total, "agent")
            } of ${about.source} will claim again, also those that a signal or a file has paused.`}
        </ActionDialog>
      )}
    </>
  );
}

/** The address after the `#` is the page's, so the link only scrolls. */
function jump(event: Event, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.scrollIntoView({ block: "start" });
}

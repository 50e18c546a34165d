import { useState } from "preact/hooks";
import { inLines, inOneLine } from "./shown_text.ts";
import type { AgentRow } from "../../fleet/overview.ts";
import { rate, span, whole } from "./format.ts";
import { rowKeys } from "./keys.tsx";
import { serverNow } from "./server_time.ts";
import { Ago } from "./time.tsx";
import { pauseText } from "./verdict.ts";

interface Column {
  title: string;
  isNumber?: boolean;
  /** What rows are sorted by. */
  by: (row: AgentRow) => string | number;
}

const PRESENCES: readonly AgentRow["presence"][] = ["frozen", "silent", "dead", "alive"];

const COLUMNS: readonly Column[] = [
  { title: "State", by: (row) => `${PRESENCES.indexOf(row.presence)} ${row.paused === null} ${row.state}` },
  { title: "Agent", by: (row) => row.name },
  { title: "Held", isNumber: true, by: (row) => -row.held },
  { title: "Running", isNumber: true, by: (row) => -row.running },
  { title: "Per second", isNumber: true, by: (row) => -row.processed_per_s },
  { title: "Up", isNumber: true, by: (row) => row.started_at },
  { title: "Seen", isNumber: true, by: (row) => -row.silent_s },
  { title: "Version", by: (row) => row.version },
];

/** From so many rows on there is a field to filter them. */
const MANY = 8;

/** The agents, those that need a look first. */
export function AgentsTable({ agents, total }: { agents: AgentRow[]; total: number }) {
  const [sort, setSort] = useState({ at: 0, isReversed: false });
  const [filter, setFilter] = useState("");
  if (agents.length === 0) {
    return (
      <p class="empty">
        No agent has reported in the last ten minutes. Start one:{" "}
        <code>pulling-agent run</code>. If agents run, look whether they have{" "}
        <code>FLEET=off</code>, or no right to write <code>…_agents</code>: <code>pulling-agent doctor</code>
        {" "}
        tells.
      </p>
    );
  }
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const rows = agents.filter((row) => words.every((word) => textOf(row).includes(word)));
  const { by } = COLUMNS[sort.at]!;
  rows.sort((a, b) => compared(by(a), by(b)) || compared(a.name, b.name));
  if (sort.isReversed) rows.reverse();
  return (
    <>
      {agents.length >= MANY && (
        <input
          type="search"
          class="filter"
          aria-label="Filter the agents"
          placeholder="Filter: name, state, version, reason"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      <div class="scroll">
        <table class="stack agents">
          <thead>
            <tr>
              {COLUMNS.map(({ title, isNumber }, at) => (
                <th class={isNumber ? "num" : ""} aria-sort={ariaSort(at, sort)}>
                  <button
                    type="button"
                    onClick={() =>
                      setSort({ at, isReversed: sort.at === at && !sort.isReversed })}
                  >
                    {title}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={rowKeys}>
            {rows.map((row) => <Agent key={row.id} row={row} />)}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="empty">No agent matches “{filter}”.</p>}
      {total > agents.length && <p class="hint">{whole(total - agents.length)} more agents are not shown.</p>}
    </>
  );
}

function Agent({ row }: { row: AgentRow }) {
  const { presence, paused, trouble, last_error } = row;
  const isAlive = presence === "alive";
  const remark = isAlive ? trouble : SAYS[presence];
  const upSeconds = (serverNow() - Date.parse(row.started_at)) / 1000;
  return (
    <tr tabIndex={0} class={isAlive ? "" : "gone"}>
      <td>
        <span class={`state ${toneOf(row)}`}>{isAlive ? row.state : presence}</span>
      </td>
      <td class="text">
        <strong>{inOneLine(row.name)}</strong>
        {paused && (
          <div class="why paused">
            paused {pauseText(paused)}
            {paused.since && (
              <>
                , <Ago at={paused.since} />
              </>
            )}
          </div>
        )}
        {remark && <div class="why bad">{inLines(remark)}</div>}
        {last_error && (
          <div class="why">
            last error <Ago at={last_error.at} />: {inLines(last_error.message)}
          </div>
        )}
      </td>
      <td data-label="Held" class="num">{whole(row.held)}</td>
      <td data-label="Running" class="num">{whole(row.running)}</td>
      <td data-label="Per second" class="num">{rate(row.processed_per_s)}</td>
      <td data-label="Up" class="num">{isAlive ? span(upSeconds) : "–"}</td>
      <td data-label="Seen" class="num">{span(row.silent_s)} ago</td>
      <td data-label="Version">{row.version}</td>
    </tr>
  );
}

const SAYS: Readonly<Record<Exclude<AgentRow["presence"], "alive">, string>> = {
  frozen:
    "it does not beat, but still has a connection: it is frozen or overloaded, or may not write its state",
  silent: "it does not beat: it was killed, cut off or frozen",
  dead: "it ended without a word; its documents are taken over when their leases end",
};

function toneOf({ presence, paused, ready }: AgentRow): string {
  if (presence === "dead") return "gone";
  if (presence !== "alive") return "bad";
  if (paused !== null) return "paused";
  return ready ? "ok" : "warn";
}

function textOf({ name, version, presence, state, paused, trouble }: AgentRow): string {
  return [name, version, presence, state, paused && `paused ${pauseText(paused)}`, trouble].join(" ")
    .toLowerCase();
}

function compared(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function ariaSort(
  at: number,
  sort: { at: number; isReversed: boolean },
): "ascending" | "descending" | undefined {
  if (sort.at !== at) return undefined;
  return sort.isReversed ? "descending" : "ascending";
}

import type { ComponentChildren } from "preact";
import type { Overview } from "../../fleet/overview.ts";
import { countOrMore, rate, span } from "./format.ts";
import { hrefOf } from "./route.ts";

/** The numbers of the work, the most asked first. */
export function Tiles({ work }: { work: Overview["work"] }) {
  const failing = work.failed_per_s ?? 0;
  const { at_least } = work;
  const letters = work.dead_letters?.n ?? at_least.dead_letters ?? 0;
  return (
    <dl class="tiles">
      <Tile name="Waiting" value={countOrMore(work.waiting, at_least.waiting)}>
        {work.waiting?.n === 0
          ? "nothing to do"
          : work.oldest_s === null
          ? ""
          : `the oldest for ${span(work.oldest_s)}`}
      </Tile>
      <Tile
        name="Processed"
        value={work.processed_per_s === null ? null : rate(work.processed_per_s)}
        unit="/s"
        unknown="no agent has told"
      >
        over the last minute
      </Tile>
      <Tile name="Drained in" value={drainText(work)}>
        {work.waiting === null || work.waiting.n === 0
          ? ""
          : work.drained_in_s === null
          ? "it does not drain"
          : "at this rate"}
      </Tile>
      <Tile
        name="Failing"
        value={work.failed_per_s === null ? null : rate(failing)}
        unit="/s"
        unknown="no agent has told"
        tone={failing > 0 ? "warn" : undefined}
      >
        attempts, over the last minute
      </Tile>
      <Tile name="In flight" value={countOrMore(work.in_flight, at_least.in_flight)}>held by agents</Tile>
      <Tile name="Scheduled" value={countOrMore(work.scheduled, at_least.scheduled)}>
        {work.next_due_s === null ? "for later" : `the next is due in ${span(work.next_due_s)}`}
      </Tile>
      <Tile
        name="Dead letters"
        value={countOrMore(work.dead_letters, at_least.dead_letters)}
        tone={letters > 0 ? "warn" : undefined}
      >
        {letters > 0 ? <a href={hrefOf("letters")}>see why</a> : "none"}
      </Tile>
    </dl>
  );
}

interface TileProps {
  name: string;
  /** Null: not known. */
  value: string | null;
  /** Why it is not known. */
  unknown?: string;
  unit?: string;
  tone?: "warn" | undefined;
  children?: ComponentChildren;
}

function Tile({ name, value, unknown = "not known, see the notes", unit, tone, children }: TileProps) {
  return (
    <div class={`card tile ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd>
        <b>{value ?? "?"}</b>
        {value !== null && unit && <span class="unit">{unit}</span>}
        <small>{value === null ? unknown : children}</small>
      </dd>
    </div>
  );
}

function drainText({ waiting, drained_in_s }: Overview["work"]): string {
  if (waiting?.n === 0 || drained_in_s === null) return "–";
  return `${waiting?.capped ? "≥ " : ""}${span(drained_in_s)}`;
}

import type { ComponentChildren } from "preact";
import type { Overview } from "../../fleet/overview.ts";
import { count, rate, span } from "./format.ts";
import { hrefOf } from "./route.ts";

/** The numbers of the work, the most asked first. */
export function Tiles({ work }: { work: Overview["work"] }) {
  const failing = work.failed_per_s ?? 0;
  return (
    <dl class="tiles">
      <Tile name="Waiting" value={work.waiting && count(work.waiting)}>
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
      >
        over the last minute
      </Tile>
      <Tile name="Drained in" value={drainText(work)}>
        {work.drained_in_s === null ? "" : "at this rate"}
      </Tile>
      <Tile
        name="Failing"
        value={work.failed_per_s === null ? null : rate(failing)}
        unit="/s"
        tone={failing > 0 ? "warn" : undefined}
      >
        attempts, over the last minute
      </Tile>
      <Tile name="In flight" value={work.in_flight && count(work.in_flight)}>held by agents</Tile>
      <Tile name="Scheduled" value={work.scheduled && count(work.scheduled)}>
        {work.next_due_s === null ? "for later" : `the next is due in ${span(work.next_due_s)}`}
      </Tile>
      <Tile
        name="Dead letters"
        value={work.dead_letters && count(work.dead_letters)}
        tone={(work.dead_letters?.n ?? 0) > 0 ? "warn" : undefined}
      >
        {(work.dead_letters?.n ?? 0) > 0 ? <a href={hrefOf("letters")}>see why</a> : "none"}
      </Tile>
    </dl>
  );
}

interface TileProps {
  name: string;
  /** Null: not known. */
  value: string | null;
  unit?: string;
  tone?: "warn" | undefined;
  children?: ComponentChildren;
}

function Tile({ name, value, unit, tone, children }: TileProps) {
  return (
    <div class={`card tile ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd>
        <b>{value ?? "?"}</b>
        {value !== null && unit && <span class="unit">{unit}</span>}
        <small>{value === null ? "not known, see the notes" : children}</small>
      </dd>
    </div>
  );
}

function drainText({ waiting, drained_in_s, processed_per_s }: Overview["work"]): string {
  if (waiting?.n === 0) return "–";
  if (drained_in_s === null) return (processed_per_s ?? 0) > 0 ? "it grows" : "–";
  return `${waiting?.capped ? "≥ " : ""}${span(drained_in_s)}`;
}

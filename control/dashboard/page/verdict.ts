import { inOneLine } from "./shown_text.ts";
import type { AgentRow, Overview } from "../../fleet/overview.ts";
import { countOrMore, many, rate, span, whole } from "./format.ts";

/** How bad it is; the worst comes first. */
export type Tone = "bad" | "paused" | "warn" | "ok" | "idle";

/** The answer to "is it moving?" in one line, and what is wrong. */
export interface Verdict {
  tone: Tone;
  /** For the eye: a word or two. */
  headline: string;
  /** What goes on, in a sentence. */
  detail: string;
  findings: Finding[];
}

/** One thing that needs a look. */
export interface Finding {
  tone: "bad" | "paused" | "warn";
  text: string;
  /** The part of the overview that has the details. */
  at: "agents" | "errors";
}

/** From this age on the oldest document is worth a word, in seconds. */
const OLD_S = 300;
const NAMES_SHOWN = 3;
const WORST_FIRST: readonly Finding["tone"][] = ["bad", "paused", "warn"];

/** Judges an overview. No text of its agents changes how the others read. */
export function verdictOf(overview: Overview): Verdict {
  const verdict = judged(overview);
  const findings = verdict.findings.map((it) => ({ ...it, text: inOneLine(it.text) }));
  return { ...verdict, detail: inOneLine(verdict.detail), findings };
}

function judged(overview: Overview): Verdict {
  const { agents, at, work, control } = overview;
  const alive = agents.filter(({ presence }) => presence === "alive");
  const paused = alive.filter((it) => it.paused !== null);
  const findings = findingsOf(overview, alive);
  const moving = work.processed_per_s ?? 0;
  const waiting = work.waiting;
  const known = countOrMore(waiting, work.at_least.waiting);
  const waits = known === null
    ? "how many wait is not known"
    : waiting?.n === 0
    ? "nothing waits"
    : `${known} wait`;
  const speed = `${rate(moving)} per second`;
  const worst = findings.some(({ tone }) => tone === "bad")
    ? "bad"
    : findings.length > 0
    ? "warn"
    : undefined;
  if (alive.length === 0) {
    // A newcomer has no agent yet, nor the index by which documents are counted.
    const isNew = agents.length === 0 && leastOf(work, "waiting") === 0;
    return {
      tone: !isNew ? "bad" : waiting === null ? "warn" : "idle",
      headline: agents.length === 0 ? "No agent" : "No agent is alive",
      detail: `No agent works on ${overview.source}, ${waits}`,
      findings,
    };
  }
  if (control?.state === "paused" && paused.length === alive.length) {
    return {
      tone: "paused",
      headline: "Paused",
      detail: `All agents were paused by ${control.by} ${span(secondsSince(control.at, at))} ago${
        control.reason === null ? "" : `: “${control.reason}”`
      }; ${waits}`,
      findings,
    };
  }
  if (paused.length === alive.length) {
    return {
      tone: "paused",
      headline: "Paused",
      detail: `Each agent is paused${firstFor(paused, at)} (${pausesOf(paused)}); ${waits}`,
      findings,
    };
  }
  const agentsText = many(alive.length, "agent");
  if (moving > 0) {
    const drained = work.drained_in_s === null || waiting?.n === 0
      ? ""
      : `, drained in ${waiting?.capped ? "≥ " : ""}${span(work.drained_in_s)}`;
    return {
      tone: worst ?? "ok",
      headline: worst === "bad" ? "Moving, with trouble" : "Moving",
      detail: `${speed} by ${agentsText}, ${waits}${drained}`,
      findings,
    };
  }
  const ready = alive.filter((it) => it.ready).length;
  if (ready === 0) {
    return {
      tone: worst ?? "warn",
      headline: "Not moving",
      detail: `No agent of ${whole(alive.length)} is ready for work, ${waits}`,
      findings,
    };
  }
  const isInFlight = leastOf(work, "in_flight") > 0;
  const inFlight = countOrMore(work.in_flight, work.at_least.in_flight);
  if (leastOf(work, "waiting") > 0 && (work.oldest_s ?? 0) > 60) {
    const under = isInFlight ? `, ${inFlight} in flight` : "";
    return {
      tone: "bad",
      headline: "Not moving",
      detail: `${waits}${under}, but nothing became processed in the last minute`,
      findings,
    };
  }
  if (isInFlight) {
    return {
      tone: worst ?? "ok",
      headline: "At work",
      detail: `${inFlight} in flight, held by ${agentsText}, ${waits}`,
      findings,
    };
  }
  return {
    tone: worst ?? "idle",
    headline: "Idle",
    detail: `${
      ready === alive.length ? agentsText : `${whole(ready)} of ${agentsText}`
    } ready for work, ${waits}`,
    findings,
  };
}

function findingsOf(overview: Overview, alive: AgentRow[]): Finding[] {
  const { agents, at, work, errors, control, control_problem } = overview;
  const found: Finding[] = [];
  const say = (tone: Finding["tone"], at: Finding["at"], text: string) => found.push({ tone, at, text });
  if (control_problem !== null) say("bad", "agents", control_problem);
  for (const presence of ["frozen", "silent"] as const) {
    const those = agents.filter((it) => it.presence === presence);
    if (those.length > 0) {
      say("bad", "agents", `${namesOf(those)} ${those.length === 1 ? "is" : "are"} ${presence}`);
    }
  }
  const dead = agents.filter(({ presence }) => presence === "dead");
  if (dead.length > 0) say("warn", "agents", `${namesOf(dead)} died`);
  const paused = alive.filter((it) => it.paused !== null);
  const others = control?.state === "paused" ? paused.filter((it) => it.paused?.source !== "fleet") : paused;
  if (others.length > 0 && paused.length < alive.length) {
    say(
      "paused",
      "agents",
      `${namesOf(others)} ${pausedFor(others, at)} (${pausesOf(others)})`,
    );
  }
  if (control?.state === "paused" && paused.length > 0 && paused.length < alive.length) {
    say("warn", "agents", `${many(alive.length - paused.length, "agent")} did not pause with the fleet`);
  }
  const running = alive.filter((it) => it.paused?.source === "fleet");
  if (control?.state === "running" && running.length > 0) {
    say("warn", "agents", `${namesOf(running)} did not resume with the fleet`);
  }
  const troubled = alive.filter(({ trouble }) => trouble !== null);
  if (troubled.length > 0) say("bad", "agents", `${namesOf(troubled)}: ${troubled[0]!.trouble}`);
  if (work.oldest_s !== null && work.oldest_s > OLD_S && leastOf(work, "waiting") > 0) {
    say("warn", "agents", `The oldest document has waited ${span(work.oldest_s)}`);
  }
  const [worst] = errors.toSorted((a, b) => b.count - a.count);
  if ((work.failed_per_s ?? 0) > 0 && worst !== undefined) {
    say("warn", "errors", `Attempts fail, ${rate(work.failed_per_s!)} per second: ${worst.pattern}`);
  }
  return found.toSorted((a, b) => WORST_FIRST.indexOf(a.tone) - WORST_FIRST.indexOf(b.tone));
}

/** As many documents as are known of, or more. */
function leastOf({ at_least, ...work }: Overview["work"], what: "waiting" | "in_flight"): number {
  return work[what]?.n ?? at_least[what] ?? 0;
}

function namesOf(agents: AgentRow[]): string {
  const names = agents.slice(0, NAMES_SHOWN).map(({ name }) => name).join(", ");
  return agents.length > NAMES_SHOWN ? `${names} and ${agents.length - NAMES_SHOWN} more agents` : names;
}

function pausedFor(agents: AgentRow[], now: string): string {
  if (agents.length > 1) return `are paused${firstFor(agents, now)}`;
  const since = firstPause(agents);
  return since === undefined ? "is paused" : `has been paused for ${span(secondsSince(since, now))}`;
}

function firstFor(agents: AgentRow[], now: string): string {
  const since = firstPause(agents);
  return since === undefined ? "" : `, the first for ${span(secondsSince(since, now))}`;
}

/** When the first of them was paused, if it is known. */
function firstPause(agents: AgentRow[]): string | undefined {
  return agents.flatMap(({ paused }) => paused?.since ?? []).toSorted()[0];
}

function secondsSince(time: string, now: string): number {
  return (Date.parse(now) - Date.parse(time)) / 1000;
}

function pausesOf(agents: AgentRow[]): string {
  const texts = agents.map(({ paused }) => pauseText(paused!));
  return [...new Set(texts)].slice(0, NAMES_SHOWN).join("; ");
}

/** What paused an agent, by the word of its status. */
const SOURCES: Readonly<Record<string, string>> = {
  file: "its control file",
  signal: "a signal",
  fleet: "an operator, with all agents",
};

/** Who paused an agent, and why. */
export function pauseText({ source, by, reason }: NonNullable<AgentRow["paused"]>): string {
  const what = SOURCES[source] ?? source;
  const who = by === null
    ? `by ${what}`
    : source === "fleet"
    ? `by ${by}, with all agents`
    : `by ${by}, ${what}`;
  return inOneLine(reason === null ? who : `${who}: “${reason}”`);
}

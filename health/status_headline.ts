import { agoText, durationText, pastText } from "../agent/text/duration_text.ts";
import type { Status } from "./status.ts";
import type { TroubleKind } from "./trouble.ts";

/** An agent with nothing in hand counts as moving for this long after it has found nothing, in milliseconds. */
const MOVING_MS = 10_000;

/** With its index a claim takes milliseconds. */
const LONG_CLAIM_MS = 5000;

/** A document that may start so soon, in milliseconds, does not seem to wait. */
const SOON_MS = 5000;

/** What the control file says so soon after the start, in milliseconds, it said before. */
const AT_START_MS = 2000;

/** Who has paused an agent, in words. */
const PAUSED_BY: Record<string, string> = {
  file: "by the control file",
  fleet: "with the whole fleet",
  signal: "by a signal",
};

const TROUBLES: Record<TroubleKind, (lasts: string) => string> = {
  not_reached: (lasts) => `MongoDB has not been reached ${lasts}, since the start`,
  unreachable: (lasts) => `MongoDB has been out of reach ${lasts}`,
  no_collection: (lasts) => `the collection has not been found ${lasts}`,
  claims_fail: (lasts) => `claims have failed ${lasts}`,
  outcomes_fail: (lasts) => `MongoDB has not taken outcomes ${lasts}`,
  processor_fails: (lasts) => `the processor has failed for one document after the other ${lasts}`,
};

/** What an operator wants to know first, in one line. `now` is the time of the reader's clock. */
export function headline(
  status: Status,
  { now, isResponding }: { now: Date; isResponding: boolean },
): string {
  if (!isResponding) {
    return `not responding since ${pastText(status.updated_at, now)}; before that ${stateText(status, now)}`;
  }
  return stateText(status, now);
}

function stateText(status: Status, now: Date): string {
  const { control, drain_reason: reason, held, loop, state, state_since: since, trouble } = status;
  if (loop.stuck) {
    return `stuck: the poll loop has not moved on from "${loop.stage}" since ${past(loop.since, now)}: ` +
      "a liveness probe restarts it";
  }
  const hand = held.documents > 0 ? `, ${held.documents} in flight` : "";
  if (state === "draining") {
    return `draining since ${past(since, now)}${reason ? ` (${reason})` : ""}${hand}`;
  }
  if (state === "paused") {
    const by = PAUSED_BY[control.source] ?? `by ${control.source}`;
    const also = trouble ? `; ${troubleText(trouble, now)}` : "";
    return `paused ${by}${whyText(control)} since ${beganText(status)}${
      past(control.since, now)
    }${hand}${also}`;
  }
  if (state !== "running") return `${state} since ${past(since ?? status.started_at, now)}`;
  if (trouble) return `not ready: ${troubleText(trouble, now)}${hand}`;
  // A status of an earlier version.
  if (status.last_minute === undefined) return `running${hand}`;
  return workText(status, now, hand);
}

/** Who asked for it and why, as far as that is known. */
export function whyText({ by, reason }: Pick<Status["control"], "by" | "reason">): string {
  if (!by && reason === undefined) return "";
  return ` (${[by ?? "", reason ?? ""].filter((text) => text !== "").join(": ")})`;
}

/** An agent that starts paused does not know how long the file has said so. */
function beganText({ control, started_at: started }: Status): string {
  const afterMs = Date.parse(control.since) - Date.parse(started);
  const isFromStart = control.source === "file" && afterMs >= 0 && afterMs < AT_START_MS;
  return isFromStart ? "the agent started, " : "";
}

function workText(status: Status, now: Date, hand: string): string {
  const { held, last_minute: minute, loop, last_outcome_at: last, nothing_to_claim_since: emptySince } =
    status;
  const rate = rateText(minute!);
  const limited = limitedText(status);
  const emptyMs = emptySince === undefined ? 0 : now.getTime() - Date.parse(emptySince);
  if (rate !== undefined && (held.documents > 0 || emptyMs < MOVING_MS)) {
    return `running and moving: ${rate}${hand || ", none in flight"}${limited && `, ${limited}`}`;
  }
  if (limited && held.running === 0) return `running: ${limited}${hand}`;
  if (held.documents > 0) {
    const none = last === undefined ? "none has ended yet" : `none has ended since ${past(last, now)}`;
    return `running: ${held.documents} in flight, ${none}`;
  }
  if (emptySince !== undefined) {
    return `idle: nothing to claim since ${past(emptySince, now)}${leftAloneText(status)}`;
  }
  const isLong = now.getTime() - Date.parse(loop.since ?? "") >= LONG_CLAIM_MS;
  // Until its index is there, a claim reads the whole collection.
  const why = isLong ? ": without its index it reads the whole collection, see pulling-agent doctor" : "";
  return `claiming for the first time since ${past(loop.since, now)}${why}`;
}

/** What `RATE_LIMIT` keeps the agent from; "" if it keeps it from nothing. */
function limitedText({ rate_limit: limit }: Status): string {
  if (limit === undefined || !limit.holds_back) return "";
  if (limit.here_per_s === 0) return `waiting for its share of RATE_LIMIT (${limit.limit})`;
  const inMs = 1000 * (limit.next_in_s ?? 0);
  return inMs < SOON_MS
    ? `held to RATE_LIMIT (${limit.limit})`
    : `RATE_LIMIT (${limit.limit}) lets the next document start in ${durationText(inMs)}`;
}

/** An operator who sees documents wait would take the agent for a liar. */
function leftAloneText({ left_alone: left }: Status): string {
  if (left === undefined || left.documents === 0) return "";
  const what = left.documents === 1
    ? "1 document waits"
    : `${left.documents.toLocaleString("en")} documents wait`;
  return `; ${what} and cannot be claimed, as ${left.example}: ${left.reason}`;
}

/** How many documents end in a second, or in a minute if that is less than one; undefined if none has. */
function rateText(minute: NonNullable<Status["last_minute"]>): string | undefined {
  const { seconds, processed, retried, dead_lettered: dead, snoozed } = minute;
  const ended = processed + retried + dead + snoozed;
  if (ended === 0) return undefined;
  const perSecond = ended / seconds;
  const failedShare = (retried + dead) / ended;
  const failed = failedShare === 0 ? "" : ` (${Math.max(1, Math.round(100 * failedShare))} % failed)`;
  if (perSecond < 1) {
    const perMinute = Math.max(1, Math.round(60 * perSecond));
    return `${perMinute} ${perMinute === 1 ? "document" : "documents"} a minute${failed}`;
  }
  const count = perSecond < 10 ? Number(perSecond.toFixed(1)) : Math.round(perSecond);
  return `${count.toLocaleString("en")} ${count === 1 ? "document" : "documents"} a second${failed}`;
}

function troubleText(
  { what, since, message, next_at: nextAt }: NonNullable<Status["trouble"]>,
  now: Date,
): string {
  const ago = agoText(since, now);
  const lasts = ago === undefined ? `since ${since}` : `for ${ago}`;
  const text = (TROUBLES[what]?.(lasts) ?? `${what} ${lasts}`) +
    (what === "processor_fails" ? trialText(nextAt, now) : "");
  return message === undefined ? text : `${text}: ${message}`;
}

/** When a document is tried next. */
function trialText(nextAt: string | undefined, now: Date): string {
  const ms = Date.parse(nextAt ?? "") - now.getTime();
  return ms > 0 ? `, and the next one is tried in ${durationText(ms)}` : ", and one is tried after the other";
}

function past(time: string | undefined, now: Date): string {
  return time === undefined ? "an unknown time" : pastText(time, now);
}

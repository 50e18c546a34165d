import { formatId } from "../../agent/store/documents/format_id.ts";
import { isTakeover, type Kind, type SuspectKind } from "../../agent/store/queries.ts";
import { MAX_BEFORE, type Obstacle, type Story } from "../../agent/store/why/story.ts";
import { secrets } from "../../agent/text/redact.ts";
import { MAX_RUNNING_ID } from "../../health/running_status.ts";
import type { AgentHere } from "./agent_here.ts";
import { cancelOf } from "./mends.ts";
import { ownerText } from "./obstacle_text.ts";
import { untilText } from "./time_text.ts";

/** How a document stands, in a word. */
export type State = "claimable" | "waiting" | "leased" | "processed" | "failed" | "canceled" | "stuck";

/** What waits for time or for another document, and needs no mending. */
const STATES: Partial<Record<Obstacle["what"], State>> = {
  scheduled: "waiting",
  leased: "leased",
  in_range: "leased",
  processed: "processed",
  failed: "failed",
  canceled: "canceled",
};

/** The settings that an answer names. */
export interface AnswerSettings {
  readonly maxAttempts: number;
}

/** How the document stands: with several obstacles it is stuck. */
export function stateOf({ obstacles }: Story): State {
  const [first, ...others] = obstacles;
  if (first === undefined) return "claimable";
  if (first.what === "unique_index" && first.isHeld) return "waiting";
  return others.length > 0 ? "stuck" : STATES[first.what] ?? "stuck";
}

/** The answer in a sentence. */
export function headline(story: Story): string {
  const { facts, now, obstacles: [first] } = story;
  switch (stateOf(story)) {
    case "claimable":
      return "It will be claimed: nothing keeps an agent from taking it";
    case "waiting":
      return first?.what === "scheduled"
        ? `It waits until ${untilText(first.until, now)}`
        : "It waits for another document";
    case "leased":
      return `It is being processed: ${lower(ownerText(facts.owner))} holds it`;
    case "processed":
      return facts.processedAt === undefined
        ? "It is done: it is processed"
        : `It is done: it was processed at ${untilText(facts.processedAt, now)}`;
    case "failed":
      return "It has failed for good";
    case "canceled":
      return "It is canceled";
    case "stuck":
      return "It will not be claimed";
  }
}

/** What happens next, and when. */
export function nextText(story: Story, settings: AnswerSettings, here: AgentHere | undefined): string {
  const [first] = story.obstacles;
  switch (stateOf(story)) {
    case "claimable":
      return claimText(story, settings) + queueText(story) + pausedText(here) + leftAloneText(story, here);
    case "waiting":
      return first?.what === "scheduled"
        ? "When it is due, the next claim of an agent takes it" + pausedText(here)
        : "When that document is settled, an agent claims this one" + pausedText(here);
    case "leased":
      return "The agent renews the lease as long as it works, and settles the document. If its process has ended, " +
        "another agent takes the document over when the lease has expired" + holderText(story, here) +
        `. To stop it: ${cancelOf(story).command}`;
    case "processed":
    case "failed":
    case "canceled":
      return "Nothing: an agent takes it again only if it is set back to pending";
    case "stuck":
      return story.obstacles.some(({ what }) => REFUSALS.has(what))
        ? `Nothing, until this is mended. ${RETRIES}`
        : "Nothing, until this is mended";
  }
}

/** Obstacles that an agent only meets by the write of a claim. */
const REFUSALS: ReadonlySet<Obstacle["what"]> = new Set(["counter", "validator", "foreign_pull"]);
const RETRIES =
  "An agent that was refused retries after a minute, later after up to an hour, and at once when it starts";

const AS: Record<Kind | SuspectKind, string> = {
  new_documents: "as a new document",
  due_retries: "as one that is due",
  expired_leases: "over, as its lease has expired",
  due_suspects: "as a suspect, with nothing else in flight",
  expired_suspects: "over as a suspect, with nothing else in flight",
};

function claimText(
  { afterClaim, bookkeeping, kind, unreadable }: Story,
  { maxAttempts }: AnswerSettings,
): string {
  const taken = `The next claim of an agent takes it ${AS[kind!]}`;
  switch (afterClaim) {
    case "finish_verdict":
      return `${taken}, and finishes its dead letter: that was decided before, and no handler runs`;
    case "dead_letter":
      return `${taken}, and makes it a dead letter without a run: ${
        unreadable ?? "its process has ended too often while it ran alone"
      }`;
    case "run":
    case "run_alone": {
      const attempts = bookkeeping?.attempts ?? 0;
      const attempt = isTakeover(kind!) ? Math.max(1, attempts) : attempts + 1;
      return `${taken}, for attempt ${attempt} of ${maxAttempts}`;
    }
  }
}

function queueText({ before }: Story): string {
  if (before === undefined || before === 0) return "";
  if (before === 1) return ". 1 document of its kind comes before it";
  return `. ${before >= MAX_BEFORE ? `${MAX_BEFORE} or more` : before} documents of its kind come before it`;
}

/** How a pause by the file ends for all agents, and for those that start later. */
const RESUME_FILE = "for all agents of its ConfigMap, make k8s-resume";

/** The agent of this machine claims nothing, and that is not the document's fault. */
function pausedText(here: AgentHere | undefined): string {
  if (here === undefined) return "";
  const { isAlive, status: { connected, control, name, state, trouble, updated_at: at } } = here;
  if (!isAlive) {
    return `. But the agent ${name} of this HEALTH_DIR has not responded since ${at}: see pulling-agent status`;
  }
  if (control.state === "paused") {
    const mend = control.source === "file" ? `${RESUME_FILE}; for this one, until it starts again, ` : "";
    return `. But the agent ${name} of this HEALTH_DIR is paused, by ${control.source}, since ${control.since}, and ` +
      `claims nothing: ${mend}pulling-agent resume`;
  }
  if (state !== "running") {
    return `. But the agent ${name} of this HEALTH_DIR is ${state}, and claims nothing`;
  }
  if (!connected) {
    return `. But for the agent ${name} of this HEALTH_DIR MongoDB is out of reach: see pulling-agent status`;
  }
  if (trouble?.what === "processor_fails") {
    return `. But the processor of the agent ${name} of this HEALTH_DIR fails for one document after the other, and the ` +
      "agent claims few: see pulling-agent status";
  }
  return "";
}

/** An agent remembers what MongoDB has refused, and does not ask again at once. */
function leftAloneText({ id }: Story, here: AgentHere | undefined): string {
  const left = here?.status.left_alone;
  if (here === undefined || left?.example !== formatId(id)) return "";
  return `. But the agent ${here.status.name} of this HEALTH_DIR has met it and leaves it alone for a while ` +
    `(${left.reason}). ${RETRIES}`;
}

function holderText(story: Story, here: AgentHere | undefined): string {
  if (here === undefined || here.status.name !== story.facts.owner) {
    return ". Only the end of the lease tells whether that agent is alive";
  }
  const { isAlive, status } = here;
  return isAlive
    ? `. It is the agent of this HEALTH_DIR, which is alive: ${turnText(story, status)}`
    : `. It is the agent of this HEALTH_DIR, which has not responded since ${status.updated_at}: see pulling-agent status`;
}

/** Whether the handler runs on a document that the agent of this machine holds, as far as its status names those. */
function turnText({ id }: Story, { held, running = [] }: AgentHere["status"]): string {
  const mine = running.find((each) => each.id === secrets.text(formatId(id), MAX_RUNNING_ID));
  if (mine !== undefined) {
    const { attempt, progress, since, text } = mine;
    const far = [progress === undefined ? [] : `${Math.round(progress * 100)} %`, text ?? []].flat().join(
      ", ",
    );
    return `its handler runs since ${since}, attempt ${attempt}${far === "" ? "" : ` (${far})`}`;
  }
  const others = `it holds ${held.documents} documents and runs ${held.running} of them`;
  // A status names some of those that run.
  return running.length >= held.running ? `${others}, and this one waits for its turn` : others;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

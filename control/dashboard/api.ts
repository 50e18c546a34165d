/**
 * What the server of the dashboard answers, and what it may be asked. Types alone: the page and the server are built on
 * the same text. All paths are below the base, such as `/`; the page asks by relative addresses.
 *
 * - `GET` requests read. Their answers of the fleet and of letters are shared by all viewers: to ask often costs nothing.
 * - `POST` requests change. They need `Content-Type: application/json` and a body of at most 64 KiB, and are refused
 *   from another site and unless `SessionAnswer.actions.allowed`.
 * - An answer that is not of status 2xx is an {@linkcode ErrorAnswer}.
 * - A time is text as `2026-03-04T05:06:07.000Z`, by the server's clock unless it says otherwise.
 * - A `key` names a document exactly, by an `_id` of any type. It is text to send back and never to take apart.
 *   An `id` is what people read and type.
 *
 * `routes.ts` has the requests with what answers them.
 */
import type { Overview } from "../fleet/overview.ts";

/** Why a request was refused or failed. */
export interface ErrorAnswer {
  error: {
    /**
     * - `login`: log in first (401). - `forbidden`: read-only, or another site asks (403).
     * - `request`: what was asked is wrong (400, 404, 405, 411, 413, 415, 431). - `conflict`: it is not as you saw it (409).
     * - `busy`: too many at once, or too many wrong tokens: retry (429, 503). - `database`: MongoDB refused, or is out of
     *   reach (502), or is late (504). - `bug`: this program is wrong (500).
     */
    kind: "login" | "forbidden" | "request" | "conflict" | "busy" | "database" | "bug";
    /** One sentence for people. */
    text: string;
  };
}

/** Who asks, and what the page may offer. */
export interface SessionAnswer {
  /** False if a token is needed, and none or a wrong one was sent: then only `api/login` helps. */
  logged_in: boolean;
  /** Whether there is a token at all, so that to log out makes sense. */
  has_token: boolean;
  /** Null unless logged in. */
  about: {
    /** The database and the collection. */
    source: string;
    letters: string;
    /** Of this program. */
    version: string;
    /** Ask for what lives again after so many milliseconds. */
    refresh_ms: number;
    actions: {
      allowed: boolean;
      /** Why not, with what mends it; null if they are allowed. */
      why_not: string | null;
    };
  } | null;
}

/** The token of `DASHBOARD_TOKEN_FILE`. */
export type LoginAsk = { token: string };

/** The fleet. If MongoDB is out of reach, what was seen last. */
export interface OverviewAnswer {
  /** Null if it was never seen. */
  overview: Overview | null;
  /** How old it is, in milliseconds. */
  age_ms: number;
  /** Why it is not of now, or not there; null if all is well. */
  trouble: string | null;
}

/** A date in Extended JSON. */
export type JsonDate = { $date: string | { $numberLong: string } };

/** What `pulling-agent why --json` prints of a document that is there. Numbers may be `{ $numberLong: "..." }`. */
export interface StoryJson {
  /** Extended JSON of any type. */
  id: unknown;
  id_type: string;
  database: string;
  collection: string;
  found: true;
  state: "claimable" | "waiting" | "leased" | "processed" | "failed" | "canceled" | "stuck";
  claimable: boolean;
  /** How it stands, in a sentence. */
  answer: string;
  /** What happens next, and when. */
  next: string;
  /** What keeps it, and the command that mends it. */
  obstacles: { what: string; text: string; mend?: MendJson }[];
  kind?: string;
  after_claim?: "run" | "run_alone" | "finish_verdict" | "dead_letter";
  /** Documents that come before it. */
  before?: number;
  status?: string;
  status_type?: string;
  bytes: number;
  attempts?: number;
  max_attempts: number;
  snoozes?: number;
  takeovers?: number;
  alone?: number;
  /** The agent that holds it. */
  owner?: string;
  visible_at?: JsonDate;
  verdict_at?: JsonDate;
  processed_at?: JsonDate;
  canceled?: { at?: JsonDate; reason?: string };
  checkpoint?: { number?: number; bytes: number };
  error?: string;
  errors: { at?: JsonDate; attempt?: number; message: string }[];
  /** Its dead letter. */
  letter?: LetterJson;
  server_time: JsonDate;
}

/** What `why --json` prints of a document that is not there. */
export interface MissingJson {
  typed: string;
  database: string;
  collection: string;
  found: false;
  letter?: LetterJson & { id: unknown };
  also_in: { collection: string; is_letter: boolean }[];
  mend?: MendJson;
}

/** A command that takes an obstacle away, and where it is to be typed. */
export interface MendJson {
  tool: "mongosh" | "shell";
  command: string;
}

/** The dead letter of a document. */
export interface LetterJson {
  deadAt?: JsonDate;
  error?: string;
  attempts?: number;
  /** Whether it holds a copy of the document. */
  hasCopy: boolean;
  /** Whether it fits the document as that is now. */
  stands: boolean;
  /** The collection of the letters. */
  in: string;
}

/** The documents that a typed id may mean: mostly one. */
export interface DocumentAnswer {
  documents: DocumentFound[];
  /** If there is none. */
  missing: MissingJson | null;
}

/** A document of a {@linkcode DocumentAnswer}. */
export interface DocumentFound {
  /** Null if no write can name it, or it is too long to be sent. */
  key: string | null;
  /** Its `_id` for people. */
  id: string;
  /** Its `_id` is not what was typed, only near to it. */
  is_near: boolean;
  story: StoryJson;
  /** Null unless it was asked for: the document may hold what viewers should not see by accident. */
  text: DocumentText | null;
}

/** A document as it is stored. */
export interface DocumentText {
  /** Indented Extended JSON; only the begin of it if it is long. */
  json: string;
  is_cut: boolean;
  /** Of the document in the database. */
  bytes: number;
}

/** Dead letters whose errors differ in digits, ids and quoted texts alone. Read once for all viewers, again and again. */
export interface GroupsAnswer {
  groups: GroupRow[];
  /** How many groups there are: `groups` has the first of them alone. */
  groups_total: number;
  /** Letters that were read for this. */
  letters: number;
  /** False while the letters are read for the first time: what is there so far. */
  is_complete: boolean;
  /** When the reading began; null before that. */
  at: string | null;
  trouble: string | null;
}

/** A group of a {@linkcode GroupsAnswer}. */
export interface GroupRow {
  /** Send it back to select its letters. Null: those of no other group, if there are too many; `others` selects them. */
  pattern: string | null;
  letters: number;
  first: string | null;
  last: string | null;
  example_key: string | null;
  example_id: string;
  example_error: string;
}

/** Dead letters by a cursor, in the order of their `_id`. */
export interface LettersAnswer {
  letters: LetterRow[];
  /** For `after`; null at the end. With a `pattern` a page may have few letters, or none, and still not be the last. */
  next: string | null;
}

/** A dead letter of a {@linkcode LettersAnswer}. */
export interface LetterRow {
  /** Null if no write can name it, or it is too long to be sent. */
  key: string | null;
  id: string;
  error: string;
  attempts: number | null;
  dead_at: string | null;
}

/** Who acts and why: both are kept in the actions log, and neither may be longer than 500 characters. */
export interface ActionAsk {
  /** A name that the viewer has typed. */
  by: string;
  reason: string;
}

/** Which letters to change: all of a group, those of no group, some, or all. Exactly one of the four. */
export interface LettersAsk extends ActionAsk {
  pattern?: string;
  others?: true;
  /** At most 1000. */
  keys?: string[];
  all?: true;
  /** Letters a second, at most; without it there is no brake. */
  rate?: number;
}

/** The count that the viewer saw: no more than so many are changed. It is a `conflict` if it is another one. */
export type ConfirmAsk = { count: number };

/** Work on many letters. */
export interface Job {
  id: string;
  action: "redrive" | "purge";
  /** What is selected, for people. */
  what: string;
  by: string;
  reason: string;
  rate: number | null;
  /**
   * `counting` -> `to_confirm` -> `running` -> `done`, `stopped` or `failed`. A job that is not confirmed within ten minutes,
   * or that is the oldest of more than eight such, is `stopped`.
   */
  state: "counting" | "to_confirm" | "running" | "done" | "stopped" | "failed";
  /** Letters that are selected; so far while it counts. Stale letters may be among them. */
  count: number;
  /** Letters that were changed so far. */
  done: number;
  /** That had changed meanwhile, and were passed over. */
  passed_over: number;
  refused: number;
  /** Some refusals, for people. */
  refusals: string[];
  /** Why it has failed, or was given up. */
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

/** One job, and the jobs of this process; they end with it. */
export type JobAnswer = { job: Job };
export type JobsAnswer = { jobs: Job[] };

/** What to do with one document. */
export interface DocumentAsk extends ActionAsk {
  key: string;
}

/** Pause or resume all agents, also later ones. */
export type FleetAsk = ActionAsk;

/** What was done, in a sentence. */
export type DoneAnswer = { text: string };

/** What was done from dashboards, the newest first. */
export interface ActionsAnswer {
  actions: ActionRow[];
  /** Null if all is well. */
  trouble: string | null;
}

/** An action. */
export interface ActionRow {
  at: string;
  action: "pause" | "resume" | "requeue" | "cancel" | "redrive" | "purge";
  by: string;
  reason: string | null;
  /** What was meant, for people: an id, or which letters. */
  what: string | null;
  /** `interrupted`: its dashboard was killed, or cannot reach MongoDB: more may have been changed than was counted. */
  state: "done" | "running" | "interrupted";
  /** How many documents were changed, or so far; null if none is counted. */
  count: number | null;
}

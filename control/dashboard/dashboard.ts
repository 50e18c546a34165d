import { errorText, UsageError } from "../../agent/errors.ts";
import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { letterPattern } from "../../agent/store/dead_letters/letter_groups.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import type { FleetForCommands } from "../../agent/store/fleet/fleet_for_commands.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import { validDate } from "../../agent/lib/valid_date.ts";
import { secrets } from "../../agent/text/redact.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import { versionInfo } from "../../agent/version.ts";
import type { LettersAct } from "../changes/letters_change.ts";
import { openOverview } from "../fleet/open_overview.ts";
import type { Overview } from "../fleet/overview.ts";
import { shownId } from "../fleet/shown_id.ts";
import type { OverviewReader } from "../fleet/overview_reader.ts";
import { failureText } from "./answers.ts";
import type {
  ActionsAnswer,
  DoneAnswer,
  JobAnswer,
  JobsAnswer,
  LetterRow,
  LettersAnswer,
  OverviewAnswer,
  SessionAnswer,
} from "./api.ts";
import type { Asked } from "./asked.ts";
import { DocumentActions } from "./document_actions.ts";
import { DocumentReading } from "./document_reading.ts";
import { GroupReading } from "./group_reading.ts";
import { Jobs } from "./jobs.ts";
import { Kept } from "./kept.ts";
import { LetterPlaces } from "./letter_places.ts";
import { LettersJob } from "./letters_job.ts";
import { Logbook, type LoggedWork } from "./logbook.ts";
import { badRequest } from "./refusal.ts";
import { SharedAnswers } from "./shared_answers.ts";
import { SharedRead } from "./shared_read.ts";
import { shownKey } from "./shown_key.ts";
import { Turns } from "./turns.ts";

/** Viewers ask for what lives again after so long, in milliseconds; an answer counts for a little less. */
const [REFRESH_MS, FRESH_MS] = [2000, 1900];
/** A viewer waits for so long for what is read, in milliseconds. */
const PATIENCE_MS = 1500;
/** What the user may do is asked for again after so long, in milliseconds. */
const RIGHTS_MS = 60_000;
/** Letters of a page. */
const PAGE = 50;
/** This much of an error is listed, in UTF-16 units. */
const MAX_ERROR = 2000;
/** The server gives up a page after so long, in milliseconds. */
const PAGE_LIMIT_MS = 5000;
/** Pages that are read at the same time, and that wait for it: each may read thousands of letters. */
const TURNS = { atOnce: 2, waiting: 32, work: "look at letters" };
/** A viewer waits for so long until a job has ended, in milliseconds. */
const STOP_PATIENCE_MS = 1000;

/** What the dashboard reads and does, for all viewers. Its methods throw what the driver throws, or a `Refusal`. */
export class Dashboard {
  readonly documents: DocumentReading;
  readonly actions: DocumentActions;
  readonly #options: DashboardOptions;
  readonly #fleet: Kept<FleetForCommands>;
  readonly #groups: GroupReading;
  readonly #jobs = new Jobs();
  readonly #letters: Kept<LettersForCommands>;
  readonly #log: SharedRead<ActionsAnswer>;
  readonly #logbook: Logbook;
  readonly #overview: SharedRead<Overview>;
  readonly #pages = new Turns(TURNS);
  readonly #places = new LetterPlaces();
  readonly #shownPages: SharedAnswers<LettersAnswer>;
  readonly #reader: Kept<OverviewReader>;
  readonly #readOnlyUser: SharedRead<string | undefined>;

  constructor(options: DashboardOptions) {
    this.#options = options;
    const { clock = systemClock, settings, store } = options;
    const { forCommands } = store;
    const explain = explained;
    this.#shownPages = new SharedAnswers(clock);
    this.#letters = new Kept(() => forCommands.letters());
    this.#fleet = new Kept(() => forCommands.fleet());
    this.#logbook = new Logbook(this.#fleet, explain);
    this.#groups = new GroupReading(this.#letters, explain, clock);
    this.documents = new DocumentReading(new Kept(() => forCommands.documentStories()), settings, clock);
    this.actions = new DocumentActions({
      cancellation: new Kept(() => forCommands.cancellation()),
      documents: new Kept(() => forCommands.documentsToRequeue()),
      logbook: this.#logbook,
    });
    const shared = { clock, patienceMs: PATIENCE_MS, explain };
    const reader = this.#reader = new Kept(() => openOverview(store, settings));
    this.#overview = new SharedRead({
      ...shared,
      freshMs: FRESH_MS,
      read: async () => await (await reader.get()).look(),
    });
    this.#log = new SharedRead({ ...shared, freshMs: FRESH_MS, read: () => this.#logbook.newest() });
    this.#readOnlyUser = new SharedRead({
      ...shared,
      freshMs: RIGHTS_MS,
      read: () => forCommands.readOnlyUser(),
    });
  }

  /** What a viewer who is let in may know of the dashboard. */
  async about(): Promise<NonNullable<SessionAnswer["about"]>> {
    const { settings: { deadLetterCollection, mongodbCollection, mongodbDatabase } } = this.#options;
    const whyNot = await this.whyNoActions();
    return {
      source: `${mongodbDatabase}.${mongodbCollection}`,
      letters: `${mongodbDatabase}.${deadLetterCollection}`,
      version: versionInfo().version,
      refresh_ms: REFRESH_MS,
      actions: { allowed: whyNot === undefined, why_not: whyNot ?? null },
    };
  }

  /** Why nothing may be changed from here; undefined if it may. Never throws. */
  async whyNoActions(): Promise<string | undefined> {
    if (!this.#options.allowsActions) {
      return "The dashboard is read-only: to act from it, start it with --allow-actions";
    }
    const { value: user } = await this.#readOnlyUser.look();
    if (user === undefined) return undefined;
    return `The database user ${user} may only read: to act from here, start the dashboard with a user that may write`;
  }

  async overview(): Promise<OverviewAnswer> {
    const { ageMs, trouble, value } = await this.#overview.look();
    return { overview: value ?? null, age_ms: Math.round(ageMs), trouble: trouble ?? null };
  }

  groups(): ReturnType<GroupReading["look"]> {
    return this.#groups.look();
  }

  /** A page of the letters. */
  async letters(asked: Asked): Promise<LettersAnswer> {
    const after = asked.parameter("after");
    const pattern = asked.parameter("pattern");
    const areOthers = asked.parameter("others") === "1";
    const pages = (await this.#letters.get()).pages(PAGE_LIMIT_MS);
    const query = {
      from: after === undefined ? undefined : this.#places.placeOf(after),
      isWanted: await this.#isWanted({ pattern, areOthers }),
      size: PAGE,
    };
    return await this.#shownPages.get(JSON.stringify([after, pattern, areOthers]), async () => {
      const { letters, next } = await this.#pages.take(() => pages.page(query));
      return {
        value: { letters: letters.map(letterRow), next: next ? this.#places.textOf(next) : null },
        dearMs: undefined,
      };
    });
  }

  /** Begins to count the letters of a redrive or purge. */
  async changeLetters(act: LettersAct, asked: Asked): Promise<JobAnswer> {
    const [actor, meant, rate] = [asked.actor(), asked.letters(), asked.rate()];
    const { keys, what } = meant;
    const letters = await this.#letters.get();
    const isWanted = await this.#isWanted(meant);
    let logged: LoggedWork | undefined;
    const job = this.#jobs.add(() =>
      new LettersJob({
        act,
        actor,
        ...keys && { keys },
        isWanted,
        what,
        rate,
        letters,
        explain: explained,
        onRun: async () => {
          logged = await this.#logbook.begin({ action: act, actor, what }, () => job.shown.done);
          this.#log.forget();
        },
        onEnd: async ({ done }) => {
          await logged?.end(done);
          for (const read of [this.#groups, this.#overview, this.#log, this.#shownPages]) read.forget();
        },
      })
    );
    return { job: job.shown };
  }

  async #isWanted(
    { areOthers, pattern }: { areOthers?: boolean | undefined; pattern?: string | undefined },
  ): Promise<((letter: DeadLetter) => boolean) | undefined> {
    if (areOthers) return await this.#groups.isOther();
    return pattern === undefined ? undefined : (letter) => letterPattern(letter) === pattern;
  }

  jobs(): JobsAnswer {
    return { jobs: this.#jobs.shown };
  }

  job(asked: Asked): JobAnswer {
    return { job: this.#jobs.of(asked.parts[0]).shown };
  }

  confirmJob(asked: Asked): JobAnswer {
    const count = asked.count("count", 0, Number.MAX_SAFE_INTEGER);
    if (count === undefined) throw badRequest("count is missing: give the number that you saw");
    const job = this.#jobs.of(asked.parts[0]);
    this.#jobs.confirm(job, count);
    return { job: job.shown };
  }

  async stopJob(asked: Asked): Promise<JobAnswer> {
    const job = this.#jobs.of(asked.parts[0]);
    await doneBy(job.stop(), { clock: systemClock, limitMs: STOP_PATIENCE_MS });
    return { job: job.shown };
  }

  /** Pauses or resumes all agents, also those that start later. */
  async switchFleet(state: "paused" | "running", asked: Asked): Promise<DoneAnswer> {
    const actor = asked.actor();
    try {
      await (await this.#fleet.get()).ask({ state, ...actor });
    } catch (error) {
      if (error instanceof UsageError) throw badRequest(error.message);
      throw error;
    }
    // It is asked already: that nothing can be shown is told by the overview.
    await this.#reader.get().then((reader) => reader.forgetFleet(), () => {});
    this.#overview.forget();
    await this.#logbook.note({ action: state === "paused" ? "pause" : "resume", actor });
    this.#log.forget();
    const wish = state === "paused" ? "to pause" : "to go on";
    return { text: `All agents are asked ${wish}: the list of agents shows which of them have` };
  }

  async log(): Promise<ActionsAnswer> {
    const { trouble, value } = await this.#log.look();
    return { actions: value?.actions ?? [], trouble: trouble ?? value?.trouble ?? null };
  }

  /** Something was done to a document. */
  forget(): void {
    for (const read of [this.#overview, this.#log, this.documents]) read.forget();
  }

  /** Ends all jobs after what is under way. */
  async close(): Promise<void> {
    this.#groups.end();
    await this.#jobs.stopAll();
  }
}

/** Why something has failed, for viewers. */
function explained(error: unknown): string {
  return failureText(error) ?? secrets.text(inOneLine(errorText(error)), MAX_ERROR);
}

function letterRow(letter: DeadLetter): LetterRow {
  const { _id: id, attempts, dead_at: deadAt, error } = letter;
  return {
    key: shownKey(id),
    id: shownId(id),
    error: typeof error === "string" ? secrets.text(error, MAX_ERROR) : "",
    attempts: typeof attempts === "number" ? attempts : null,
    dead_at: validDate(deadAt)?.toISOString() ?? null,
  };
}

/** What a {@linkcode Dashboard} needs. */
export interface DashboardOptions {
  readonly store: MongoStore;
  readonly settings: Settings;
  /** `--allow-actions` */
  readonly allowsActions: boolean;
  /** How long what was read counts. */
  readonly clock?: Clock | undefined;
}

import type { Job } from "./api.ts";
import type { LettersJob } from "./letters_job.ts";
import { Refusal } from "./refusal.ts";

/** Jobs that have not ended, at most, and those that are remembered. */
const [MAX_OPEN, MAX_KEPT] = [8, 50];

/** The jobs of this process. */
export class Jobs {
  /** The newest first. */
  #jobs: readonly LettersJob[] = [];

  /** Adds the job that `make` begins. @throws {Refusal} If too many have not ended. */
  add(make: () => LettersJob): LettersJob {
    if (this.#jobs.filter(({ isOver }) => !isOver).length >= MAX_OPEN) {
      throw new Refusal(429, "busy", `${MAX_OPEN} jobs have not ended: stop one, or wait for it`);
    }
    const job = make();
    const ended = this.#jobs.filter(({ isOver }) => isOver).slice(MAX_KEPT - 1);
    this.#jobs = [job, ...this.#jobs.filter((each) => !ended.includes(each))];
    return job;
  }

  /** All of them, the newest first. */
  get shown(): Job[] {
    return this.#jobs.map(({ shown }) => shown);
  }

  /** The job with an id. @throws {Refusal} If there is none. */
  of(id: string | undefined): LettersJob {
    const job = this.#jobs.find(({ shown }) => shown.id === id);
    if (job === undefined) {
      throw new Refusal(404, "request", "There is no such job: they end with the dashboard");
    }
    return job;
  }

  /** Ends all of them after what is under way. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#jobs.map((job) => job.stop()));
  }
}

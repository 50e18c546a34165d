import type { Job } from "./api.ts";
import type { LettersJob } from "./letters_job.ts";
import { Refusal } from "./refusal.ts";

/** Jobs that run, those that count or wait to be confirmed, and those that are remembered, at most. */
const [MAX_RUNNING, MAX_UNCONFIRMED, MAX_KEPT] = [8, 8, 50];
const GIVEN_UP = `${MAX_UNCONFIRMED} newer jobs wait to be confirmed: begin anew`;

/** The jobs of this process. */
export class Jobs {
  /** The newest first. */
  #jobs: readonly LettersJob[] = [];

  /**
   * Adds the job that `make` begins. If too many were not confirmed, the oldest of them is given up: what viewers have left
   * open keeps none from work.
   */
  add(make: () => LettersJob): LettersJob {
    const job = make();
    for (const each of this.#jobs.filter((each) => each.isUnconfirmed).slice(MAX_UNCONFIRMED - 1)) {
      each.giveUp(GIVEN_UP);
    }
    const ended = this.#jobs.filter(({ isOver }) => isOver).slice(MAX_KEPT - 1);
    this.#jobs = [job, ...this.#jobs.filter((each) => !ended.includes(each))];
    return job;
  }

  /** Lets a job run whose count a viewer has seen. @throws {Refusal} If it may not, or too many run. */
  confirm(job: LettersJob, count: number): void {
    if (job.isUnconfirmed && this.#jobs.filter(({ isRunning }) => isRunning).length >= MAX_RUNNING) {
      throw new Refusal(429, "busy", `${MAX_RUNNING} jobs run: stop one, or wait for it`);
    }
    job.confirm(count);
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

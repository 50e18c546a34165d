import { MongoClient } from "mongodb";
import type { Trials, Verdict } from "./area.ts";
import { doWork, type Work } from "./work_run.ts";

/** Trials that are work for an agent in this process. */
export class WorkTrials implements Trials<Work> {
  readonly #admin: MongoClient;

  private constructor(admin: MongoClient) {
    this.#admin = admin;
  }

  static async open(uri: string): Promise<WorkTrials> {
    return new WorkTrials(await new MongoClient(uri, { appName: "fuzzer" }).connect());
  }

  attempt(work: Work): Promise<Verdict> {
    return doWork(work, this.#admin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
  }
}

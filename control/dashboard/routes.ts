import type { Answer } from "../http/exchange.ts";
import { jsonAnswer, jsonTextAnswer } from "./answers.ts";
import type { Asked } from "./asked.ts";
import type { Dashboard } from "./dashboard.ts";

/** A path of the interface, and what answers it. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Below `api/`; a part that is open begins with a colon. */
  readonly path: string;
  /** What it changes is allowed only with `--allow-actions`. */
  readonly isAction?: true;
  answer(dashboard: Dashboard, asked: Asked): Promise<Answer>;
}

function get(path: string, read: (dashboard: Dashboard, asked: Asked) => unknown): Route {
  return {
    method: "GET",
    path,
    answer: async (dashboard, asked) => jsonAnswer(await read(dashboard, asked)),
  };
}

function act(path: string, does: (dashboard: Dashboard, asked: Asked) => unknown): Route {
  const answer = async (dashboard: Dashboard, asked: Asked) => {
    const done = await does(dashboard, asked);
    dashboard.forget();
    return jsonAnswer(done);
  };
  return { method: "POST", path, isAction: true, answer };
}

/** All of the interface but the login: api.ts describes each answer. */
export const ROUTES: readonly Route[] = [
  get("overview", (dashboard) => dashboard.overview()),
  {
    method: "GET",
    path: "document",
    answer: async (dashboard, asked) => jsonTextAnswer(await dashboard.documents.answer(asked)),
  },
  get("groups", (dashboard) => dashboard.groups()),
  get("letters", (dashboard, asked) => dashboard.letters(asked)),
  get("actions", (dashboard) => dashboard.log()),
  get("jobs", (dashboard) => dashboard.jobs()),
  get("jobs/:id", (dashboard, asked) => dashboard.job(asked)),
  act("letters/redrive", (dashboard, asked) => dashboard.changeLetters("redrive", asked)),
  act("letters/purge", (dashboard, asked) => dashboard.changeLetters("purge", asked)),
  act("jobs/:id/confirm", (dashboard, asked) => dashboard.confirmJob(asked)),
  act("jobs/:id/stop", (dashboard, asked) => dashboard.stopJob(asked)),
  act("requeue", (dashboard, asked) => dashboard.actions.requeue(asked)),
  act("cancel", (dashboard, asked) => dashboard.actions.cancel(asked)),
  act("pause", (dashboard, asked) => dashboard.switchFleet("paused", asked)),
  act("resume", (dashboard, asked) => dashboard.switchFleet("running", asked)),
];

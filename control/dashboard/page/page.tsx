import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { OverviewAnswer, SessionAnswer } from "../api.ts";
import { ActionsPage } from "./actions_page.tsx";
import { DocumentPage } from "./document_page.tsx";
import { Header } from "./header.tsx";
import { KeyHelp, useKeys } from "./keys.tsx";
import { LettersPage } from "./letters_page.tsx";
import { useLive } from "./live.ts";
import { LoginPage } from "./login_page.tsx";
import { OverviewPage } from "./overview_page.tsx";
import { useRoute } from "./route.ts";
import { learnServerTime } from "./server_time.ts";
import { Trouble } from "./trouble.tsx";
import { verdictOf } from "./verdict.ts";

/** Until the session tells better. */
const REFRESH_MS = 2000;

/** Asks who the viewer is; shows the way in or the pages. */
function App() {
  const [session, setSession] = useState<SessionAnswer>();
  const asked = useLive<SessionAnswer>("api/session", session === undefined ? REFRESH_MS : undefined);
  useEffect(() => {
    if (asked.answer !== undefined) setSession(asked.answer);
  }, [asked.answer]);
  if (session === undefined) {
    return (
      <>
        <Frame />
        <Trouble error={asked.error} since={asked.failingSince} />
      </>
    );
  }
  if (!session.logged_in || session.about === null) return <LoginPage onLogin={setSession} />;
  return <Pages session={session} about={session.about} onSession={setSession} />;
}

/** What index.html has: it is seen before any script runs, and until the dashboard has told what it looks at. */
function Frame() {
  return (
    <header class="top">
      <div class="bar">
        <span class="brand">
          <img src="icon.svg" alt="" width="22" height="22" />
          <span>pulling-agent</span>
        </span>
      </div>
    </header>
  );
}

interface PagesProps {
  session: SessionAnswer;
  about: NonNullable<SessionAnswer["about"]>;
  onSession: (session: SessionAnswer) => void;
}

function Pages({ session, about, onSession }: PagesProps) {
  const { page, params } = useRoute();
  const live = useLive<OverviewAnswer>("api/overview", about.refresh_ms);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useKeys(() => setHelpOpen((open) => !open));
  const { answer, error } = live;
  useEffect(() => {
    if (error?.kind === "login") onSession({ ...session, logged_in: false, about: null });
  }, [error]);
  const overview = answer?.overview ?? undefined;
  if (overview !== undefined && answer !== undefined) {
    learnServerTime(new Date(Date.parse(overview.at) + answer.age_ms), overview.at);
  }
  const verdict = overview && verdictOf(overview);
  const isStale = error !== undefined || (answer !== undefined && answer.trouble !== null);
  useEffect(() => {
    const state = isStale ? "no connection" : verdict?.headline ?? "…";
    document.title = `${state} · ${about.source}`;
  }, [isStale, verdict?.headline]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <Header {...{ session, about, page, verdict, isStale, onSession }} />
      <Trouble
        error={error}
        since={live.failingSince}
        trouble={answer?.trouble ?? undefined}
        seenAt={overview?.at}
      />
      <main id="main" tabIndex={-1} class={isStale ? "stale" : ""}>
        {page === "overview" && (
          <OverviewPage overview={overview} verdict={verdict} about={about} onChange={live.refresh} />
        )}
        {page === "document" && <DocumentPage params={params} about={about} />}
        {page === "letters" && <LettersPage params={params} about={about} />}
        {page === "actions" && <ActionsPage />}
      </main>
      {isHelpOpen && <KeyHelp onClose={() => setHelpOpen(false)} />}
    </>
  );
}

/** The address after the `#` is the page's: the link must not change it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

render(<App />, document.getElementById("root")!);

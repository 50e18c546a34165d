import { useState } from "preact/hooks";
import type { SessionAnswer } from "../api.ts";
import { post } from "./api_client.ts";
import { go, hrefOf, type PageName, PAGES } from "./route.ts";
import { nextTheme, themeNow } from "./theme_choice.ts";
import type { Verdict } from "./verdict.ts";

const TITLES: Readonly<Record<PageName, string>> = {
  overview: "Overview",
  document: "Document",
  letters: "Dead letters",
  actions: "Actions",
};

interface HeaderProps {
  session: SessionAnswer;
  about: NonNullable<SessionAnswer["about"]>;
  page: PageName;
  verdict: Verdict | undefined;
  isStale: boolean;
  onSession: (session: SessionAnswer) => void;
}

/** On every page: what is looked at, whether it moves, the way to the pages and to a document. */
export function Header({ session, about, page, verdict, isStale, onSession }: HeaderProps) {
  const [theme, setTheme] = useState(themeNow);
  const logout = async () => onSession(await post<SessionAnswer>("api/logout", {}));
  return (
    <header class="top">
      <div class="bar">
        <a class="brand" href={hrefOf("overview")} title={`pulling-agent ${about.version}`}>
          <img src="icon.svg" alt="" width="22" height="22" />
          <span>{about.source}</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map((name) => (
            <a href={hrefOf(name)} aria-current={name === page ? "page" : undefined}>{TITLES[name]}</a>
          ))}
        </nav>
        <form class="find" role="search" onSubmit={find}>
          <input
            id="find"
            name="id"
            type="search"
            placeholder="Find a document by its id"
            aria-label="Find a document by its id"
            title="Key: /"
            autocomplete="off"
            spellcheck={false}
          />
        </form>
        <div class="tools">
          {!about.actions.allowed && <span class="chip" title={about.actions.why_not ?? ""}>read-only</span>}
          <button type="button" id="theme" class="quiet" onClick={() => setTheme(nextTheme())} title="Key: t">
            {theme === "dark" ? "Dark" : theme === "light" ? "Light" : "Auto"}
          </button>
          {session.has_token && <button type="button" class="quiet" onClick={logout}>Log out</button>}
        </div>
      </div>
      {verdict && (
        <p class={`verdict ${isStale ? "unknown" : verdict.tone}`} role="status">
          <span class="mark" aria-hidden="true" />
          <strong>{isStale ? `Was: ${verdict.headline}` : verdict.headline}</strong>
          <span>{verdict.detail}</span>
        </p>
      )}
    </header>
  );
}

function find(event: SubmitEvent): void {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const id = String(new FormData(form).get("id") ?? "").trim();
  if (id === "") return;
  go("document", { id });
  form.reset();
  document.getElementById("main")?.focus();
}

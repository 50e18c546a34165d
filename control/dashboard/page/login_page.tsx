import { useState } from "preact/hooks";
import type { LoginAsk, SessionAnswer } from "../api.ts";
import { post, textOf } from "./api_client.ts";

/** The way in, if the dashboard has a token. */
export function LoginPage({ onLogin }: { onLogin: (session: SessionAnswer) => void }) {
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const login = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? "");
    const ask: LoginAsk = { token };
    setBusy(true);
    try {
      onLogin(await post<SessionAnswer>("api/login", ask));
    } catch (refused) {
      setError(textOf(refused));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="card" onSubmit={login}>
        <h1>pulling-agent</h1>
        <label>
          Token
          <input name="token" type="password" autocomplete="current-password" required autofocus />
        </label>
        <p class="hint">It stands in the file that DASHBOARD_TOKEN_FILE of this dashboard names.</p>
        {error && <p class="error" role="alert">{error}</p>}
        <button type="submit" class="main" disabled={isBusy}>Log in</button>
      </form>
    </main>
  );
}

import type { ActionRow, ActionsAnswer } from "../api.ts";
import { whole } from "./format.ts";
import { rowKeys } from "./keys.tsx";
import { useLive } from "./live.ts";
import { Ago } from "./time.tsx";

const REFRESH_MS = 5000;

/** What was done from dashboards. */
export function ActionsPage() {
  const { answer, error } = useLive<ActionsAnswer>("api/actions", REFRESH_MS);
  const actions = answer?.actions;
  const trouble = error?.message ?? answer?.trouble;
  return (
    <section aria-labelledby="actions-title">
      <h1 id="actions-title">Actions</h1>
      <p class="hint">
        Who changed what from a dashboard, and why. Commands of the terminal are not in this list.
      </p>
      {trouble && <p class="error" role="alert">{trouble}</p>}
      {actions?.length === 0 && (
        <p class="empty">
          Nothing was done yet. Pauses, requeues and redrives show up here with their reason.
        </p>
      )}
      {actions !== undefined && actions.length > 0 && (
        <div class="scroll">
          <table class="stack">
            <thead>
              <tr>
                <th>When</th>
                <th>Action</th>
                <th>What</th>
                <th class="num">Documents</th>
                <th>By</th>
                <th>Reason</th>
              </tr>
            </thead>
            <tbody onKeyDown={rowKeys}>
              {actions.map((it) => (
                <tr key={`${it.at} ${it.action} ${it.what}`} tabIndex={0}>
                  <td data-label="When">
                    <Ago at={it.at} />
                  </td>
                  <td data-label="Action">
                    <strong>{it.action}</strong>
                  </td>
                  <td data-label="What" class="text">{it.what ?? "all agents"}</td>
                  <td data-label="Documents" class="num">
                    <Changed action={it} />
                  </td>
                  <td data-label="By">{it.by}</td>
                  <td data-label="Reason" class="text">{it.reason ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Changed({ action: { count, state } }: { action: ActionRow }) {
  const counted = count === null ? "–" : whole(count);
  if (state === "done") return <>{counted}</>;
  if (state === "running") return <>{counted} so far</>;
  return (
    <span title="Its dashboard was killed, or cannot reach MongoDB. More may have been changed than was counted.">
      at least {counted}, interrupted
    </span>
  );
}

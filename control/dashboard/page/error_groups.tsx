import { inLines } from "./shown_text.ts";
import type { ErrorRow } from "../../fleet/overview.ts";
import { many } from "./format.ts";
import { rowKeys } from "./keys.tsx";
import { hrefOf } from "./route.ts";
import { Ago } from "./time.tsx";

/** What fails, grouped: errors that differ in digits, ids and quoted texts alone are one. */
export function ErrorGroups({ errors }: { errors: ErrorRow[] }) {
  return (
    <section aria-labelledby="errors" class="wide">
      <div class="heading">
        <h2 id="errors">
          What fails <small>{errors.length}</small>
        </h2>
      </div>
      {errors.length === 0
        ? <p class="empty">Nothing fails: there is no dead letter, and no agent has reported an error.</p>
        : (
          <div class="scroll">
            <table class="stack">
              <thead>
                <tr>
                  <th>Error</th>
                  <th class="num">How many</th>
                  <th class="num">First</th>
                  <th class="num">Last</th>
                  <th>Example</th>
                </tr>
              </thead>
              <tbody onKeyDown={rowKeys}>
                {errors.map((it) => (
                  <tr key={`${it.of} ${it.pattern}`} tabIndex={0}>
                    <td class="text" title={it.example}>{inLines(it.pattern)}</td>
                    <td data-label="How many" class="num">
                      {many(it.count, it.of === "agents" ? "agent" : "letter")}
                    </td>
                    <td data-label="First" class="num">
                      <Ago at={it.first} />
                    </td>
                    <td data-label="Last" class="num">
                      <Ago at={it.last} />
                    </td>
                    <td data-label="Example" class="text">
                      {it.example_id === null
                        ? "–"
                        : <a href={hrefOf("document", { id: it.example_id })}>{it.example_id}</a>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

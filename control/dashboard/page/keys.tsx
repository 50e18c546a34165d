import { useEffect } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { go, type PageName } from "./route.ts";

const GOES: Readonly<Record<string, PageName>> = { o: "overview", d: "document", l: "letters", a: "actions" };

const HELP: readonly (readonly [string, string])[] = [
  ["/", "find a document by its id"],
  ["g o", "the overview"],
  ["g d", "a document"],
  ["g l", "dead letters"],
  ["g a", "actions"],
  ["↑ ↓", "to the next row, in a table"],
  ["Enter", "open what the row is about"],
  ["t", "colours: as the system, dark, light"],
  ["Esc", "close, leave a field"],
  ["?", "this help"],
];

/** How long after `g` its second key counts, in milliseconds. */
const SECOND_KEY_MS = 1500;

/** Listens for the keys of the whole page. */
export function useKeys(toggleHelp: () => void): void {
  useEffect(() => {
    let goAt = 0;
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.matches("input, textarea, select")) {
        if (event.key === "Escape") target.blur();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog")) return;
      const page = event.timeStamp - goAt < SECOND_KEY_MS ? GOES[event.key] : undefined;
      goAt = event.key === "g" ? event.timeStamp : 0;
      if (page !== undefined) go(page);
      else if (event.key === "?") toggleHelp();
      else if (event.key === "t") document.getElementById("theme")?.click();
      else if (event.key === "/") document.getElementById("find")?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

/** Moves the focus between the rows of a table, and follows the link of a row. */
export function rowKeys(event: KeyboardEvent): void {
  const row = event.target as HTMLElement;
  if (!row.matches("tbody tr")) return;
  const next = event.key === "ArrowDown"
    ? row.nextElementSibling
    : event.key === "ArrowUp"
    ? row.previousElementSibling
    : undefined;
  if (event.key === "Enter") row.querySelector<HTMLElement>("a, button")?.click();
  else if (next instanceof HTMLElement) next.focus();
  else return;
  event.preventDefault();
}

/** The keys, in a dialog. */
export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {HELP.map(([key, what]) => (
          <div>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

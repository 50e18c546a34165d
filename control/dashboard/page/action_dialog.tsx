import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { ActionAsk } from "../api.ts";
import { textOf } from "./api_client.ts";
import { Dialog } from "./dialog.tsx";

/** What the viewer filled in. */
export interface Filled extends ActionAsk {
  /** A second, at most; undefined without a brake. */
  rate?: number;
}

interface ActionDialogProps {
  title: string;
  /** What it does, and to what. */
  children: ComponentChildren;
  /** What the button says. */
  verb: string;
  isDangerous?: boolean;
  /** Asks for a brake, too. */
  hasRate?: boolean;
  /** An error that it throws is shown, and the dialog stays. */
  act: (filled: Filled) => Promise<void>;
  onClose: () => void;
}

/** Asks who does it and why, before anything is done. */
export function ActionDialog(
  { title, children, verb, isDangerous, hasRate, act, onClose }: ActionDialogProps,
) {
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    keepName(text("by"));
    setBusy(true);
    try {
      const brake = text("rate");
      await act({ by: text("by"), reason: text("reason"), ...(brake !== "" && { rate: Number(brake) }) });
      onClose();
    } catch (refused) {
      setError(textOf(refused));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="action" onSubmit={submit}>
        <div class="explain">{children}</div>
        <label>
          Reason
          <input
            name="reason"
            required
            maxLength={500}
            autofocus
            pattern=".*\S.*"
            placeholder="for those who look later"
          />
        </label>
        <label>
          Your name
          <input
            name="by"
            required
            maxLength={500}
            pattern=".*\S.*"
            defaultValue={keptName()}
            autocomplete="name"
          />
        </label>
        {hasRate && (
          <label>
            At most per second
            <input name="rate" type="number" min="1" max="100000" step="1" placeholder="no brake" />
          </label>
        )}
        {error && <p class="error" role="alert">{error}</p>}
        <div class="buttons">
          <button type="button" onClick={onClose}>Do nothing</button>
          <button type="submit" class={isDangerous ? "danger" : "main"} disabled={isBusy}>{verb}</button>
        </div>
      </form>
    </Dialog>
  );
}

function keptName(): string {
  try {
    return localStorage.getItem("by") ?? "";
  } catch {
    return "";
  }
}

function keepName(name: string): void {
  try {
    localStorage.setItem("by", name);
  } catch {
    // A browser that keeps nothing: the viewer types it again.
  }
}

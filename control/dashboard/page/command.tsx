import { useState } from "preact/hooks";
import type { MendJson } from "../api.ts";

/** How long the button tells that it has copied, in milliseconds. */
const TOLD_MS = 1500;

/** A command to copy. */
export function Command({ tool, command }: MendJson) {
  const [told, setTold] = useState<string>();
  const copy = async (event: MouseEvent) => {
    const code = (event.currentTarget as HTMLElement).parentElement?.querySelector("code");
    try {
      await navigator.clipboard.writeText(command);
      setTold("Copied");
    } catch {
      // There is no clipboard without HTTPS, other than on this machine: it is selected instead.
      if (code) getSelection()?.selectAllChildren(code);
      setTold("Selected");
    }
    setTimeout(() => setTold(undefined), TOLD_MS);
  };
  return (
    <div class="command">
      <span class="hint">{tool === "mongosh" ? "in mongosh" : "in a shell"}</span>
      <code>{command}</code>
      <button type="button" class="quiet" onClick={copy}>{told ?? "Copy"}</button>
    </div>
  );
}

import { withoutLast } from "./keys.ts";
import { SORTS, type View } from "./view.ts";

/** The text of a filter, at most, in UTF-16 units. */
const MAX_FILTER = 60;
/** Agents that a page is. */
const PAGE = 10;

/** What is to be done after a key: shown, looked anew, or the end. */
export interface AfterKey {
  readonly view: View;
  readonly wants?: "look" | "quit";
}

/** What a key does. `agents` is how many are shown in all. */
export function afterKey(view: View, key: string, agents: number): AfterKey {
  if (key === "quit") return { view, wants: "quit" };
  if (view.typing !== undefined) return { view: afterTyping(view, view.typing, key) };
  if (view.showsHelp) return { view: { ...view, showsHelp: false } };
  const scrolledBy = SCROLLS[key];
  if (scrolledBy !== undefined) {
    const to = Math.min(view.scrolled, agents - 1) + scrolledBy;
    return { view: { ...view, scrolled: Math.max(0, Math.min(agents - 1, to)) } };
  }
  switch (key) {
    case "q":
      return { view, wants: "quit" };
    case "s":
    case "S":
      return { view: { ...view, sort: nextSort(view, key === "s" ? 1 : -1), scrolled: 0 } };
    case "/":
      return { view: { ...view, typing: view.filter, scrolled: 0 } };
    case "escape":
      return { view: { ...view, filter: "", scrolled: 0 } };
    case " ":
      return { view: { ...view, isPaused: !view.isPaused }, ...(view.isPaused && { wants: "look" }) };
    case "r":
      return { view: { ...view, isPaused: false }, wants: "look" };
    case "?":
    case "h":
      return { view: { ...view, showsHelp: true } };
    default:
      return { view };
  }
}

const SCROLLS: Record<string, number> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  "page up": -PAGE,
  "page down": PAGE,
  home: -Infinity,
  g: -Infinity,
  end: Infinity,
  G: Infinity,
};

function nextSort({ sort }: View, by: number) {
  return SORTS[(SORTS.indexOf(sort) + by + SORTS.length) % SORTS.length]!;
}

function afterTyping(view: View, typed: string, key: string): View {
  switch (key) {
    case "enter":
      return { ...view, filter: typed.trim(), typing: undefined };
    case "escape":
      return { ...view, filter: "", typing: undefined };
    case "backspace":
      return { ...view, typing: withoutLast(typed) };
    case "clear":
      return { ...view, typing: "" };
    default:
      // The names of other keys are longer than a character, and have no letters of other scripts.
      return isCharacter(key) && typed.length < MAX_FILTER ? { ...view, typing: typed + key } : view;
  }
}

function isCharacter(key: string): boolean {
  return !/^[a-z]{2}/.test(key);
}

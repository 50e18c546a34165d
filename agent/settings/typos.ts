import { distance } from "fastest-levenshtein";
import type { Environment } from "./environment.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/** Names as short as this are too close to many others. */
const MIN_LENGTH = 5;
/** From this length on, two slips do not make another word. */
const LONG = 11;

/** Variables that look like misspelt settings, a sentence each. */
export interface Typos {
  /** The setting that is probably meant decides what happens to documents, and it is not set: nothing may start. */
  problems: string[];
  warnings: string[];
}

const ENTRIES: readonly Setting<unknown>[] = Object.values(SETTINGS);
const KNOWN = new Set(ENTRIES.map(({ variable }) => variable));

/** Standard variables of OpenTelemetry for logs, which are near those for spans, and set for other programs. */
const OTHERS = /^OTEL_BLRP_/;

/** Forms of a name that are compared: made once, as hundreds of variables may be set. */
interface Forms {
  readonly words: string;
  readonly letters: string;
}

/** Searches the `variables` that are set for settings misspelt; `env` tells their values. */
export function findTypos(variables: readonly string[], env: Environment = () => undefined): Typos {
  const typos: Typos = { problems: [], warnings: [] };
  const settings = ENTRIES.map((setting) => ({ setting, forms: formsOf(setting.variable) }));
  for (const variable of variables) {
    const meant = KNOWN.has(variable) || OTHERS.test(variable) ? undefined : nearest(variable, settings);
    if (meant === undefined) continue;
    const { variable: name, decides } = meant;
    // If the right name is set too, even to nothing, the other name means something else.
    if (spelling(variable) !== spelling(name) && variables.includes(name)) continue;
    const said = `${variable} is set, which is not a setting of the agent`;
    if (decides?.test(env(variable)?.trim() ?? "") && !variables.includes(name)) {
      typos.problems.push(
        `${said}, and ${name} is not set: rename it if you mean ${name}; if not, set ${name} as well, to nothing for its default`,
      );
    } else typos.warnings.push(`${said}: did you mean ${name}?`);
  }
  return typos;
}

/** The setting that `variable` is a slip or two away from. */
function nearest(
  variable: string,
  settings: readonly { setting: Setting<unknown>; forms: Forms }[],
): Setting<unknown> | undefined {
  if (variable.length < MIN_LENGTH) return undefined;
  const given = formsOf(variable);
  let best: { setting: Setting<unknown>; slips: number } | undefined;
  for (const { setting, forms } of settings) {
    const most = setting.variable.length < LONG ? 1 : 2;
    const slips = slipsBetween(given, forms, most);
    if (slips <= most && slips < (best?.slips ?? Infinity)) best = { setting, slips };
  }
  return best?.setting;
}

/**
 * How many slips of a typist apart two names are: a letter too many, too few or wrong, or two letters swapped. A
 * doubled letter, the case, the separators and the order of the words do not count. Infinity if it is clear at once that
 * they are more than `most`.
 */
function slipsBetween(given: Forms, meant: Forms, most: number): number {
  if (given.words === meant.words) return 0;
  const [a, b] = [given.letters, meant.letters];
  if (Math.abs(a.length - b.length) > most) return Infinity;
  return isSwapped(a, b) ? 1 : distance(a, b);
}

function formsOf(name: string): Forms {
  const spelt = spelling(name);
  return { words: words(spelt), letters: letters(spelt) };
}

/** Names as people guess them: in lower case or camel case, with hyphens, with the agent's name in front. */
function spelling(variable: string): string {
  const snake = /^[a-z]/.test(variable) ? variable.replace(/([a-z])([A-Z])/g, "$1_$2") : variable;
  return snake.toUpperCase().replaceAll(/[-.]/g, "_").replace(/^PULLING_AGENT_/, "");
}

function words(name: string): string {
  return name.split("_").sort().join("_");
}

function letters(name: string): string {
  return name.replaceAll("_", "").replace(/(.)\1+/g, "$1");
}

/** Whether two neighbouring letters are all that differs. */
function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
}

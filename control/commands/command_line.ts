import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../agent/errors.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { type Command, type CommandLine, usageOf, withValue } from "./command.ts";
import { COMMANDS, DEFAULT_COMMAND } from "./commands.ts";
import { nearest } from "./did_you_mean.ts";

/** A command, and its arguments. */
export interface Asked {
  readonly command: Command;
  readonly line: CommandLine;
}

/** Commands that every other command knows as a switch: `--help`, `--version`. */
const SWITCHES = COMMANDS.filter(({ asSwitch }) => asSwitch !== undefined);
const SWITCH_NAMES = SWITCHES.map(({ name }) => name);
const SWITCH_LETTERS = Object.fromEntries(SWITCHES.map(({ name, asSwitch }) => [name, asSwitch!]));

/** Options with a value, of any command: what follows one of them names no command. */
const VALUED = new Set(
  COMMANDS.flatMap(({ options = {} }) =>
    Object.entries(options).filter(([, { value }]) => value !== undefined).map(([name]) => `--${name}`)
  ),
);

/**
 * Finds the command that the arguments name, and lets that command parse the rest.
 *
 * @throws {UsageError} if they name none, or if it does not take the rest; the message tells what is right.
 */
export function parseCommandLine(args: readonly string[]): Asked {
  const at = args.findIndex((arg, at) => !/^-./.test(arg) && !VALUED.has(args[at - 1] ?? ""));
  const [name, rest] = at < 0 ? [undefined, args] : [args[at]!, args.toSpliced(at, 1)];
  const { _: words, ...on } = parseArgs([...rest], {
    boolean: SWITCH_NAMES,
    alias: SWITCH_LETTERS,
    string: ["_"],
    unknown: (_, key) => key === undefined,
  });
  const asked = SWITCHES.find((each) => on[each.name] || each.name === name);
  if (asked?.name === "help") {
    return { command: asked, line: { flags: [], options: {}, about: explained(name, words.map(String)) } };
  }
  // `status --version` asks for the version, and for nothing of status.
  if (asked && asked.name !== name) return { command: asked, line: { flags: [], options: {} } };
  const command = name === undefined ? DEFAULT_COMMAND : commandNamed(name);
  return { command, line: lineOf(command, rest) };
}

/** `help COMMAND` and `COMMAND --help` explain that command, `help` and `--help` all of them. */
function explained(name: string | undefined, [of, ...more]: string[]): readonly Command[] {
  const isAsked = name === "help";
  const found = COMMANDS.find((each) => each.name === (isAsked ? of : name));
  if (SWITCHES.some((each) => each === found)) return COMMANDS;
  if (!isAsked) return found ? [found] : COMMANDS;
  if (of === undefined) return COMMANDS;
  const about = commandNamed(of);
  const strange = more.find((word, at) => at > 0 || !Object.hasOwn(about.words ?? {}, word));
  if (strange === undefined) return [about];
  throw wrong(
    `help ${about.name} takes no argument ${quoted(strange)}`,
    SWITCHES.find((each) => each.name === "help")!,
  );
}

/** Parses the arguments beside the name of a command, by the options and words of that command alone. */
function lineOf(command: Command, rest: readonly string[]): CommandLine {
  const specs = Object.entries(command.options ?? {});
  const flags = specs.filter(([, { value }]) => value === undefined).map(([name]) => name);
  const valued = specs.filter(([, { value }]) => value !== undefined).map(([name]) => name);
  const unknown: string[] = [];
  const parsed: Record<string, unknown> & { _: unknown[] } = parseArgs(withStandardInput(rest, valued), {
    boolean: [...SWITCH_NAMES, ...flags],
    alias: SWITCH_LETTERS,
    string: ["_", ...valued],
    collect: valued,
    unknown: (arg, key) => {
      if (key !== undefined) unknown.push(arg);
      return key === undefined;
    },
  });
  const words = parsed._.map(String);
  const given: Given = valued.flatMap((name) => {
    const values = [parsed[name] ?? []].flat().map(String);
    return values.length > 0 ? [[name, values] as const] : [];
  });
  const on = flags.filter((name) => parsed[name]);
  refuseDashed(command, given, rest);
  refuseUnknown(command, unknown, words);
  refuseValues(command, given);
  const place = positional(command, words);
  refuseTogether(command, place.word, [...on, ...given.map(([name]) => name)]);
  refuseCounts(command, given);
  return { ...place, flags: on, options: Object.fromEntries(given) };
}

/** The arguments as the parser takes a dash alone for the value of an option: it means standard input. */
function withStandardInput(args: readonly string[], valued: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    if (arg === "-" && valued.some((name) => args[at - 1] === `--${name}`)) return [];
    return args[at + 1] === "-" && valued.some((name) => arg === `--${name}`) ? [`${arg}=-`] : [arg];
  });
}

/** The options with a value that are given, and their values. */
type Given = readonly (readonly [name: string, values: readonly string[]])[];

/** A value that starts with a dash is parsed as an option. */
function refuseDashed(command: Command, given: Given, rest: readonly string[]): void {
  const isGiven = (arg: string) => given.some(([name]) => arg === `--${name}`);
  const at = rest.findIndex((arg, at) => isGiven(arg) && /^-[^-]/.test(rest[at + 1] ?? ""));
  if (at < 0) return;
  const [option, value] = rest.slice(at);
  throw wrong(`${option} needs a value (one that starts with a dash as ${option}=${value})`, command);
}

function refuseUnknown(command: Command, [strange]: readonly string[], [word]: readonly string[]): void {
  if (strange === undefined) return;
  const said = `${command.name} knows no ${inOneLine(strange)}`;
  const operand = command.words?.[word ?? ""]?.operand;
  if (operand && /^-\d/.test(strange)) {
    throw wrong(`${said} (an ${operand} that starts with a dash as ${word} -- ${strange})`, command);
  }
  const meant = nearest(strange.split("=", 1)[0]!, [...Object.keys(command.options ?? {}), ...SWITCH_NAMES]);
  throw meant ? wrong(`${said}: did you mean --${meant}`, command, "?") : wrong(said, command);
}

function refuseValues(command: Command, given: Given): void {
  const empty = given.find(([, values]) => values.includes(""));
  if (empty) throw wrong(`--${empty[0]} needs a value`, command);
  const twice = given.find(([name, { length }]) => length > 1 && !command.options?.[name]?.isRepeatable);
  if (twice) throw wrong(`--${twice[0]} may be given once`, command);
}

function refuseCounts(command: Command, given: Given): void {
  for (const [name, [value]] of given) {
    if (!command.options?.[name]?.isCount || /^[1-9]\d*$/.test(value!)) continue;
    throw new UsageError(`--${name} is ${quoted(value!)}: must be a whole number from 1`);
  }
}

/** The word and the operand of a line. */
function positional(
  command: Command,
  [first, ...others]: readonly string[],
): Omit<CommandLine, "flags" | "options"> {
  const { name, words, operand } = command;
  const rest = first === undefined ? [] : [first, ...others];
  const wanted = words?.[first ?? ""]?.operand;
  const most = words ? (wanted ? 2 : 1) : operand ? 1 : 0;
  if (rest.length > most) throw wrong(`${name} takes no argument ${quoted(rest.at(-1)!)}`, command);
  if (!words) {
    if (first !== undefined) return { operand: first };
    if (operand && !operand.startsWith("[")) throw wrong(`${name} needs an ${operand}`, command);
    return {};
  }
  const known = Object.keys(words);
  if (first === undefined) throw wrong(`${name} needs one of ${known.join(", ")}`, command);
  if (!Object.hasOwn(words, first)) {
    const meant = nearest(first, known, otherwise(Object.entries(words)));
    throw meant
      ? wrong(`${name} knows no ${quoted(first)}: did you mean ${name} ${meant}`, command, "?")
      : wrong(`${name} knows no ${quoted(first)}, but ${known.join(", ")}`, command);
  }
  const [value] = others;
  if (wanted && value === undefined) throw wrong(`${name} ${first} needs an ${wanted}`, command);
  return { word: first, ...(value === undefined ? {} : { operand: value }) };
}

/** Refuses options that do not go with the word, or with one another. */
function refuseTogether(command: Command, word: string | undefined, given: readonly string[]): void {
  const { name, options, oneOf = [] } = command;
  const { takes, needsOne = command.needsOne } = command.words?.[word ?? ""] ?? {};
  const unused = given.find((option) => takes && !takes.includes(option));
  if (unused) throw wrong(`${name} ${word} knows no --${unused}`, command);
  const count = oneOf.filter((option) => given.includes(option)).length;
  if (count > 1) {
    throw new UsageError(
      `${inWords(oneOf.map((option) => `--${option}`), "and")} exclude each other: give one of them`,
    );
  }
  if (count === 0 && needsOne) {
    const choices = oneOf.map((option) => withValue(option, { ...options![option]!, isRepeatable: false }));
    const asked = word === undefined ? name : `${name} ${word}`;
    throw new UsageError(`${asked} needs to know which: give ${inWords(choices, "or")}`);
  }
}

function commandNamed(word: string): Command {
  const found = COMMANDS.find(({ name }) => name === word);
  if (found) return found;
  const known = COMMANDS.map(({ name }) => name);
  const meant = nearest(word, known, otherwise(COMMANDS.map((each) => [each.name, each])));
  throw new UsageError(
    `There is no command ${quoted(word)}: ` +
      (meant ? `did you mean ${meant}? Known are ` : "known are ") + known.join(", "),
  );
}

/** What people write instead of a name, and the name that they mean. */
function otherwise(
  named: readonly [name: string, spec: { also?: readonly string[] }][],
): Record<string, string> {
  return Object.fromEntries(named.flatMap(([name, { also = [] }]) => also.map((other) => [other, name])));
}

function inWords(items: readonly string[], last: string): string {
  return `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}`;
}

function quoted(word: string): string {
  return printable(JSON.stringify(word));
}

function wrong(what: string, command: Command, end: ":" | "?" = ":"): UsageError {
  return new UsageError(
    `${what}${end} ${end === "?" ? "Use" : "use"} it as pulling-agent ${usageOf(command)}`,
  );
}

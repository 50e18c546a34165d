import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../agent/errors.ts";
import { inOneLine, printableJson } from "../../agent/text/terminal_text.ts";
import { nearest } from "./did_you_mean.ts";

/** One command: the only place where anything is said about it. Help, documentation and parsing are made of this. */
export interface Command {
  /** How it is called, with its arguments. */
  readonly usage: string;
  readonly doc: string;
  /** The words that may follow its name; one of them must. */
  readonly words?: readonly string[];
  /** Words after which one more argument follows, and what it is. */
  readonly operand?: Readonly<Record<string, string>>;
  /** Switches it knows. */
  readonly flags?: readonly string[];
  /** Options with a value that it knows. */
  readonly options?: readonly string[];
  /** Which of its options may be given several times. */
  readonly repeatable?: readonly string[];
  /** For each word the switches and options that go with it, where not all do. */
  readonly takes?: Readonly<Record<string, readonly string[]>>;
}

/** Every command, in the order of the help. */
export const COMMANDS = {
  run: {
    usage: "run [--until-empty]",
    doc: "Pull and process documents until told to stop, or until nothing claimable is left. The default.",
    flags: ["until-empty"],
  },
  pause: {
    usage: "pause",
    doc: "Tell the running agent to claim nothing; returns once it has confirmed.",
  },
  resume: {
    usage: "resume",
    doc: "Tell the running agent to claim again; returns once it has confirmed.",
  },
  status: {
    usage: "status [--json]",
    doc: "Say what the running agent is doing.",
    flags: ["json"],
  },
  health: {
    usage: "health liveness|readiness|startup",
    doc: "Answer a probe by the health files alone: exit 0 for yes, 1 for no.",
    words: ["liveness", "readiness", "startup"],
  },
  "dead-letters": {
    usage:
      "dead-letters list|show ID|redrive|purge [--id ID... | --filter JSON | --all] [--limit N] [--dry-run] [--json]",
    doc: "List dead letters, show one, set their documents back to pending, or remove them.",
    words: ["list", "show", "redrive", "purge"],
    operand: { show: "ID" },
    flags: ["all", "dry-run", "json"],
    options: ["id", "filter", "limit"],
    repeatable: ["id"],
    takes: {
      list: ["id", "filter", "all", "limit", "json"],
      show: ["json"],
      redrive: ["id", "filter", "all", "limit", "dry-run"],
      purge: ["id", "filter", "all", "limit", "dry-run"],
    },
  },
  check: {
    usage: "check",
    doc: "Validate the settings and load the processor, without a database.",
  },
} as const satisfies Record<string, Command>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** What people say instead of a command or of the word after it, as other programs call it. */
const OTHERWISE: Readonly<Record<string, string>> = {
  start: "run",
  work: "run",
  unpause: "resume",
  continue: "resume",
  info: "status",
  ps: "status",
  probe: "health",
  healthz: "health",
  dlq: "dead-letters",
  letters: "dead-letters",
  validate: "check",
  test: "check",
  live: "liveness",
  alive: "liveness",
  ready: "readiness",
  started: "startup",
  ls: "list",
  get: "show",
  retry: "redrive",
  requeue: "redrive",
  replay: "redrive",
  delete: "purge",
  remove: "purge",
};

/** A command line that was understood: what stands in it is allowed, and what must stand in it is there. */
export interface CommandLine {
  readonly command: CommandName | "help" | "version";
  /** The command that `help` is asked about; undefined if it is asked about all. */
  readonly about?: CommandName;
  /** The word after the command's name, if it takes one. */
  readonly word?: string;
  readonly operand?: string | undefined;
  readonly flags: readonly string[];
  readonly options: Readonly<Record<string, readonly string[]>>;
}

const ALL: readonly Command[] = Object.values(COMMANDS);
const FLAGS = [...new Set(ALL.flatMap(({ flags = [] }) => flags))];
const OPTIONS = [...new Set(ALL.flatMap(({ options = [] }) => options))];

/**
 * Understands a command line.
 *
 * @throws {UsageError} if it is not one of ours; the message says what is.
 */
export function parseCommandLine(args: string[]): CommandLine {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    boolean: ["help", "version", ...FLAGS],
    alias: { help: "h", version: "V" },
    string: ["_", ...OPTIONS],
    collect: OPTIONS,
    unknown: (arg, key) => {
      if (key !== undefined) unknown.push(arg);
      return key === undefined;
    },
  });
  const [first, ...rest] = parsed._.map(String);
  const name = first ?? "run";
  if (parsed.help || name === "help") return helpAsked(first ?? "help", rest);
  if (parsed.version || name === "version") return versionAsked(name, rest);
  const command = commandNamed(name);
  const spec: Command = COMMANDS[command];
  const flags = FLAGS.filter((flag) => parsed[flag]);
  const values: Record<string, string[]> = Object.fromEntries(
    OPTIONS.map((option) => [option, [parsed[option] ?? []].flat().map(String)]),
  );
  const given = OPTIONS.filter((option) => values[option]!.length > 0);
  const [word] = spec.words ? rest : [];
  const dashed = args.findIndex((arg, at) =>
    given.includes(arg.replace(/^--/, "")) && /^-[^-]/.test(args[at + 1] ?? "")
  );
  if (dashed >= 0) {
    const [option, value] = args.slice(dashed);
    throw wrong(`${option} needs a value (one that starts with a dash as ${option}=${value})`, spec);
  }
  const [strange] = [
    ...unknown,
    ...flags.filter((flag) => !spec.flags?.includes(flag)).map((flag) => `--${flag}`),
    ...given.filter((option) => !spec.options?.includes(option)).map((option) => `--${option}`),
  ];
  if (strange) {
    const hint = spec.operand?.[word ?? ""] && /^-\d/.test(strange)
      ? ` (an ${spec.operand[word!]} that starts with a dash as ${word} -- ${strange})`
      : "";
    throw hint
      ? wrong(`${command} knows no ${inOneLine(strange)}${hint}`, spec)
      : unknownOption(command, spec, strange);
  }
  const empty = given.find((option) => values[option]!.includes(""));
  if (empty) throw wrong(`--${empty} needs a value`, spec);
  const twice = given.find((option) => values[option]!.length > 1 && !spec.repeatable?.includes(option));
  if (twice) throw wrong(`--${twice} may be given once`, spec);
  const place = positional(command, spec, rest);
  const unused = [...flags, ...given].find((name) => spec.takes && !spec.takes[word ?? ""]?.includes(name));
  if (unused) throw wrong(`${command} ${word} knows no --${unused}`, spec);
  return {
    command,
    ...place,
    flags,
    options: Object.fromEntries(given.map((name) => [name, values[name]!])),
  };
}

/** `help COMMAND` and `COMMAND --help` tell of that command, `help` and `--help` of all. */
function helpAsked(name: string, [of, ...more]: string[]): CommandLine {
  const help = { command: "help", flags: [], options: {} } as const;
  if (name !== "help") return isCommand(name) ? { ...help, about: name } : help;
  if (of === undefined || of === "help" || of === "version") return help;
  const about = commandNamed(of);
  const { words = [] }: Command = COMMANDS[about];
  const strange = more.find((word, at) => at > 0 || !words.includes(word));
  if (strange !== undefined) {
    throw wrong(`help ${about} takes no argument ${quoted(strange)}`, { usage: "help [COMMAND]" });
  }
  return { ...help, about };
}

function versionAsked(name: string, [first]: string[]): CommandLine {
  if (name === "version" && first !== undefined) {
    throw wrong(`version takes no argument ${quoted(first)}`, { usage: "version" });
  }
  return { command: "version", flags: [], options: {} };
}

function positional(
  command: CommandName,
  spec: Command,
  rest: string[],
): { word?: string; operand?: string | undefined } {
  const { words, operand } = spec;
  const [word, value] = words ? rest : [];
  const most = words ? (operand?.[word ?? ""] ? 2 : 1) : 0;
  if (rest.length > most) throw wrong(`${command} takes no argument ${quoted(rest.at(-1)!)}`, spec);
  if (!words) return {};
  if (word === undefined) throw wrong(`${command} needs one of ${words.join(", ")}`, spec);
  if (!words.includes(word)) {
    const meant = nearest(word, words, OTHERWISE);
    throw meant
      ? wrong(`${command} knows no ${quoted(word)}: did you mean ${command} ${meant}`, spec, "?")
      : wrong(`${command} knows no ${quoted(word)}, but ${words.join(", ")}`, spec);
  }
  const wanted = operand?.[word];
  if (wanted && value === undefined) throw wrong(`${command} ${word} needs an ${wanted}`, spec);
  return { word, operand: value };
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

function commandNamed(word: string): CommandName {
  if (isCommand(word)) return word;
  const known = [...Object.keys(COMMANDS), "help", "version"];
  const meant = nearest(word, known, OTHERWISE);
  throw new UsageError(
    `There is no command ${quoted(word)}: ` +
      (meant ? `did you mean ${meant}? Known are ` : "known are ") + known.join(", "),
  );
}

function unknownOption(command: CommandName, spec: Command, strange: string): UsageError {
  const [name] = strange.split("=", 1);
  const meant = nearest(name!, [...spec.flags ?? [], ...spec.options ?? [], "help", "version"]);
  const said = `${command} knows no ${inOneLine(strange)}`;
  return meant ? wrong(`${said}: did you mean --${meant}`, spec, "?") : wrong(said, spec);
}

function quoted(word: string): string {
  return printableJson(JSON.stringify(word));
}

function wrong(what: string, { usage }: Pick<Command, "usage">, end: ":" | "?" = ":"): UsageError {
  return new UsageError(`${what}${end} ${end === "?" ? "Use" : "use"} it as pulling-agent ${usage}`);
}

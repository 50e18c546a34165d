import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../agent/errors.ts";

/** One command: the only place where anything is said about it. Help, documentation and parsing are made of this. */
export interface Command {
  /** How it is called, with its arguments. */
  readonly usage: string;
  readonly doc: string;
  /** Words that must follow, one of them, if any. */
  readonly argument?: readonly string[];
  /** Switches it knows. */
  readonly flags?: readonly string[];
}

/** Every command, in the order of the help. */
export const COMMANDS = {
  run: {
    usage: "run",
    doc: "Pull and process documents until told to stop. The default.",
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
    argument: ["liveness", "readiness", "startup"],
  },
  check: {
    usage: "check",
    doc: "Validate the settings and load the processor, without a database.",
  },
} as const satisfies Record<string, Command>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** A command line that was understood. */
export type CommandLine =
  | { command: Exclude<CommandName, "health">; json: boolean }
  | { command: "health"; probe: typeof COMMANDS.health.argument[number] }
  | { command: "help" }
  | { command: "version" };

/**
 * Understands a command line.
 *
 * @throws {UsageError} Where it is none of ours; the message says what is.
 */
export function parseCommandLine(args: string[]): CommandLine {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    boolean: ["help", "version", "json"],
    alias: { help: "h", version: "V" },
    string: ["_"],
    unknown: (arg, key) => {
      if (key !== undefined) unknown.push(arg);
      return key === undefined;
    },
  });
  if (parsed.help) return { command: "help" };
  if (parsed.version) return { command: "version" };
  const [word = "run", ...rest] = parsed._.map(String);
  if (word === "help") return { command: "help" };
  const name = commandNamed(word);
  const { argument, flags }: Command = COMMANDS[name];
  const strange = [...unknown, ...(parsed.json && !flags?.includes("json") ? ["--json"] : [])];
  if (strange.length > 0) throw wrong(`${name} knows no ${strange[0]}`, COMMANDS[name].usage);
  if (rest.length > (argument ? 1 : 0)) {
    throw wrong(`${name} takes no argument ${JSON.stringify(rest.at(-1))}`, COMMANDS[name].usage);
  }
  if (name !== "health") return { command: name, json: parsed.json };
  const probe = COMMANDS.health.argument.find((each) => each === rest[0]);
  if (!probe) {
    throw wrong(`health needs one of ${COMMANDS.health.argument.join(", ")}`, COMMANDS.health.usage);
  }
  return { command: "health", probe };
}

function commandNamed(word: string): CommandName {
  if (Object.hasOwn(COMMANDS, word)) return word as CommandName;
  throw new UsageError(
    `There is no command ${JSON.stringify(word)}: known are ${Object.keys(COMMANDS).join(", ")}`,
  );
}

function wrong(what: string, usage: string): UsageError {
  return new UsageError(`${what}: use it as pulling-agent ${usage}`);
}

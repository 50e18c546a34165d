import type { Environment } from "../../agent/settings/environment.ts";

/** An option of a command: a switch, unless it has a value. */
export interface OptionSpec {
  readonly doc: string;
  /** What its value is called, such as `JSON`. */
  readonly value?: string;
  /** It may be given several times. */
  readonly isRepeatable?: boolean;
  /** Its value is a whole number from 1. */
  readonly isCount?: boolean;
}

/** A word after the name of a command, such as `liveness` in `health liveness`. */
export interface WordSpec<O extends string = string> {
  /** What people write instead, as other programs call it. */
  readonly also?: readonly string[];
  /** The name of the one argument after it; without it there is no argument. */
  readonly operand?: string;
  /** The options that go with it; without this list, all of the command's options. */
  readonly takes?: readonly O[];
  /** One of the options of {@linkcode Command.oneOf} has to be given. */
  readonly needsOne?: boolean;
}

/**
 * One command. This is the only place that describes it: the parser, the help, the documents, "did you mean" and the
 * checks are made of it.
 *
 * Every command is a file `NAME_command.ts` and a line in `commands.ts`. These files are loaded at each start,
 * including a probe's. So a command imports what it needs for its work when it runs.
 */
export interface Command<W extends string = string, O extends string = string> {
  readonly name: string;
  readonly doc: string;
  /** What people write instead, as other programs call it. */
  readonly also?: readonly string[];
  /** The words that may follow its name; one of them must. */
  readonly words?: Readonly<Record<W, WordSpec<NoInfer<O>>>>;
  /** The one argument after its name, if it takes no words; in brackets if it may be missing. */
  readonly operand?: string;
  /** In the order of its usage. */
  readonly options?: Readonly<Record<O, OptionSpec>>;
  /** Options that exclude each other. */
  readonly oneOf?: readonly NoInfer<O>[];
  /** One of these has to be given. */
  readonly needsOne?: boolean;
  /** Its name as a switch of all commands, with the letter that is short for it. */
  readonly asSwitch?: string;
  /** It goes on after an error that no code has caught, and logs it; any other command ends. */
  readonly outlivesStrayErrors?: boolean;
  /**
   * Does its work and returns the exit status.
   *
   * @throws {CommandError} if it cannot.
   */
  run(line: CommandLine<W, O>, env: Environment): Promise<number>;
}

/** The arguments after the name of a command. All of them are allowed, and nothing is missing. */
export interface CommandLine<W extends string = string, O extends string = string> {
  /** The word after the command's name, if it has words. */
  readonly word?: W;
  readonly operand?: string;
  /** The switches that are on. */
  readonly flags: readonly O[];
  /** The values of the options that are given. */
  readonly options: Readonly<Partial<Record<O, readonly string[]>>>;
  /** The commands that `help` explains. */
  readonly about?: readonly Command[];
}

/** Declares a command. Its words and options decide what its `run` may read from the line. */
export function command<const W extends string = never, const O extends string = never>(
  spec: Command<W, O>,
): Command<W, O> {
  return spec;
}

/** How a command is called, with its arguments. */
export function usageOf({ name, words = {}, operand, options = {}, oneOf = [] }: Command): string {
  const listed = Object.entries(words).map(([word, { operand }]) => operand ? `${word} ${operand}` : word);
  const one = oneOf.map((option) => withValue(option, options[option])).join(" | ");
  const shown = Object.entries(options).map(([option, spec]) =>
    oneOf.includes(option) ? one : withValue(option, spec)
  );
  const brackets = [...new Set(shown)].map((option) => `[${option}]`);
  return [name, listed.join("|"), operand, ...brackets].filter(Boolean).join(" ");
}

/** An option as it is written, with its value. */
export function withValue(option: string, { value, isRepeatable }: OptionSpec = { doc: "" }): string {
  return `--${option}${value === undefined ? "" : ` ${value}`}${isRepeatable ? "..." : ""}`;
}

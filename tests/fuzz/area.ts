/** Where trials happen: a MongoDB server that takes test commands, and the compiled executable. */
export interface World {
  /** Connection string of a replica set whose `failCommand` works. */
  readonly uri: string;
}

/** One part of the program to be fuzzed, with inputs of its own kind. */
export interface Area<Input> {
  readonly name: string;
  /** Makes an input; the same random numbers make the same one. */
  generate(random: () => number): Input;
  /** How many inputs it counts as: documents, for instance. */
  size(input: Input): number;
  /** Inputs that are a step smaller, the smallest first; none if it cannot be smaller. */
  smaller(input: Input): Iterable<Input>;
  /** The input as it can be read in a report. */
  show(input: Input): string;
  /** Makes ready for trials. */
  open(world: World): Promise<Trials<Input>>;
}

/** What a trial has shown. */
export interface Verdict {
  /** A sentence for each invariant that was broken. */
  broken: string[];
  /** The program's output meanwhile, to look for the reason. */
  evidence?: string | undefined;
}

/** Trials of one area, one after the other; disposing of them ends what they had started. */
export interface Trials<Input> extends AsyncDisposable {
  /** Tries an input. */
  attempt(input: Input): Promise<Verdict>;
}

/** Any area, for code that does not depend on its inputs. */
// deno-lint-ignore no-explicit-any -- each area knows its own inputs
export type AnyArea = Area<any>;

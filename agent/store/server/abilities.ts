/** What the agent asks of a server that a compatible one may lack, and what it does without it. */
export interface AbilitySpec {
  /** What the server lacks, as the object of a sentence. */
  readonly what: string;
  /** What is done instead, as a sentence; undefined if the agent cannot work without it. */
  readonly instead: string | undefined;
}

/** All abilities, in the order in which they are reported. */
export const ABILITIES = {
  expressions: { what: "$expr in queries", instead: undefined },
  timeAsDate: {
    what: "its time as a date",
    instead: "the agent takes the number that the server sends for the date",
  },
  nowInReads: {
    what: "$$NOW in queries",
    instead: "the agent sends the server's time, as it follows it",
  },
  nowInWrites: {
    what: "$$NOW in the filters of writes",
    instead: "the agent sends the server's time, as it follows it",
  },
  bsonSize: { what: "$bsonSize", instead: "documents are read whole before they are claimed" },
  hintsOfWrites: { what: "hints in updates", instead: "the server chooses the index of an update" },
  collations: { what: "collations", instead: "ids are compared as the server compares them" },
  retryableWrites: {
    what: "retryable writes",
    instead: "the agent sends a write again whose answer is lost",
  },
  partialIndexes: {
    what: "the partial indexes of claims",
    instead: "the indexes are full, and hold finished documents as well",
  },
  changeStreams: {
    what: "change streams",
    instead: "documents are found by polling alone, every POLL_INTERVAL",
  },
  transactions: {
    what: "transactions",
    instead: "documents whose processor asks for writes wait for another server",
  },
} as const satisfies Record<string, AbilitySpec>;

/** The name of an ability. */
export type Ability = keyof typeof ABILITIES;

/** Where the options of an operation are among its arguments. */
const OPTIONS_AT: Readonly<Record<string, number>> = {
  aggregate: 1,
  deleteOne: 1,
  find: 1,
  findOne: 1,
  replaceOne: 2,
  updateMany: 2,
  updateOne: 2,
};
const WRITES: ReadonlySet<string> = new Set(["deleteOne", "replaceOne", "updateMany", "updateOne"]);

/** What the present server lacks, as far as it is known. MongoDB from 4.4 on lacks nothing. */
export class Abilities {
  readonly #lacking = new Map<Ability, string>();
  readonly #listeners: (() => void)[] = [];

  /** Whether nothing is known to be lacking: then all that is asked of the server is as it is for MongoDB. */
  get areWhole(): boolean {
    return this.#lacking.size === 0;
  }

  /** What the server lacks, in the order of {@linkcode ABILITIES}, and what it says to it. */
  get lacking(): readonly (readonly [Ability, string])[] {
    return (Object.keys(ABILITIES) as Ability[]).flatMap((name) => {
      const said = this.#lacking.get(name);
      return said === undefined ? [] : [[name, said] as const];
    });
  }

  lacks(ability: Ability): boolean {
    return this.#lacking.has(ability);
  }

  /** Calls `listener` when it becomes known that an ability is lacking, or is there again. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes note of what use has shown: a server that `says` so lacks the ability. */
  note(ability: Ability, says: string): void {
    if (this.#lacking.has(ability)) return;
    this.#lacking.set(ability, says);
    this.#told();
  }

  /** Takes note of what a probe has found of the abilities that it asks about. */
  probed(asked: readonly Ability[], lacking: ReadonlyMap<Ability, string>): void {
    for (const ability of asked) {
      const said = lacking.get(ability);
      if (said === undefined) this.#lacking.delete(ability);
      else this.#lacking.set(ability, said);
    }
    this.#told();
  }

  /** The arguments of an operation on a collection, without the options that the server does not know. */
  known(operation: string, args: readonly unknown[]): readonly unknown[] {
    const at = OPTIONS_AT[operation];
    if (this.#lacking.size === 0 || at === undefined || !args[at]) return args;
    const { collation, hint, ...rest } = args[at] as Record<string, unknown>;
    const isHintKnown = !WRITES.has(operation) || !this.lacks("hintsOfWrites");
    const options = {
      ...rest,
      ...(hint !== undefined && isHintKnown && { hint }),
      ...(collation !== undefined && !this.lacks("collations") && { collation }),
    };
    return args.with(at, options);
  }

  #told(): void {
    for (const listener of this.#listeners) listener();
  }
}

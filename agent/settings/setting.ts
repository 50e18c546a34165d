import type * as parse from "./parse.ts";

/** One setting. Its entry in the table is the only place that describes it: help, documentation and checks are made of it. */
export interface Setting<T> {
  /** The environment variable. */
  readonly variable: string;
  readonly parse: parse.Parser<T>;
  /** The default as people would write it; `undefined` if the setting is required or {@linkcode fallback} decides. */
  readonly default?: string;
  /** The default in words, if it depends on something else. */
  readonly defaultText?: string;
  /** Makes the default that depends on something else. */
  readonly fallback?: (known: Readonly<Record<string, unknown>>, host: Host) => T;
  readonly required?: boolean;
  /** What to do if it is missing. Without a hint, the message names what its parser accepts. */
  readonly hint?: string;
  /** A file may hold the value instead. */
  readonly file?: FileVariant;
  /** Never shown in any output. */
  readonly secret?: boolean;
  /** The value is the path of a file that holds secrets: programs that the agent starts do not get it. */
  readonly namesSecrets?: boolean;
  /**
   * Set for a setting that decides what happens to documents. If a variable has nearly the same name and a value that
   * looks like this, the agent refuses to start: without the setting it would treat all documents in a way that no one
   * wants.
   */
  readonly decides?: RegExp;
  /**
   * Set for a variable that must not keep the agent from its documents, because it is a standard one that is often set
   * for a whole namespace: a value that cannot be used is a warning, and `value` counts instead.
   */
  readonly otherwise?: {
    readonly value: T;
    /** What that means, as a clause such as "nothing is sent". */
    readonly so: string;
  };
  /** One sentence or two for people who run the agent. */
  readonly doc: string;
}

/** The setting that names a file with the value of another setting. */
export interface FileVariant {
  readonly variable: string;
  /** What is in the file, such as "the connection string". */
  readonly holds: string;
}

/** What defaults may depend on besides other settings. */
export interface Host {
  hostName: string;
  isTerminal: boolean;
}

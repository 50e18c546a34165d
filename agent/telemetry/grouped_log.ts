import { errorText } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import { errorPattern } from "../text/error_pattern.ts";
import { type Happening, LineGroup } from "./line_group.ts";
import type { LineKind } from "./line_kind.ts";
import type { Logger } from "./logger.ts";

/** Kinds of errors that lines of one kind are kept apart by, at most: further ones share a line. */
const MAX_GROUPS = 20;
/** Texts of errors whose group is remembered, for each kind of line: most errors come again word for word. */
const MAX_TEXTS = 100;

/**
 * Writes lines that may come by the thousand, so that they hide nothing else: the first lines that are alike in full and
 * at once, the others as one line with their number and an example. Lines are alike if they have the same message and,
 * but for digits, ids and quoted texts, the same error. At DEBUG every single line is written as well.
 */
export class GroupedLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By message: the message may name what it is about. */
  readonly #kinds = new Map<string, KindOfLines>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Something has happened that a line of this kind is about. */
  report(kind: LineKind, happening: Happening): void {
    let lines = this.#kinds.get(kind.message);
    if (lines === undefined) {
      lines = new KindOfLines(kind, this.#log, this.#clock);
      this.#kinds.set(kind.message, lines);
    }
    lines.add(happening);
  }

  /** What a line of this kind is about does not last any more. */
  over({ message }: LineKind): void {
    this.#kinds.get(message)?.over();
  }

  /** Writes all that is gathered, for the end. */
  flush(): void {
    for (const lines of this.#kinds.values()) lines.flush();
  }
}

/** All lines with one message. */
class KindOfLines {
  readonly #kind: LineKind;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #groups = new Map<string, LineGroup>();
  readonly #byText = new Map<string, LineGroup>();
  #cancelTurn: (() => void) | undefined;

  constructor(kind: LineKind, log: Logger, clock: Clock) {
    this.#kind = kind;
    this.#log = log;
    this.#clock = clock;
  }

  add(happening: Happening): void {
    this.#cancelTurn ??= this.#clock.after(this.#kind.pace.everyMs, () => this.#turn(), {
      isBackground: true,
    });
    this.#groupOf(happening).add(happening);
  }

  over(): void {
    for (const group of this.#groups.values()) group.over();
  }

  flush(): void {
    this.#cancelTurn?.();
    this.#cancelTurn = undefined;
    for (const group of this.#groups.values()) group.flush();
    this.#groups.clear();
    this.#byText.clear();
  }

  #groupOf({ error, level = this.#kind.level }: Happening): LineGroup {
    if (error === undefined) return this.#group(level);
    const text = typeof error === "string" ? error : errorText(error);
    const exact = `${level} ${text}`;
    const known = this.#byText.get(exact);
    if (known !== undefined) return known;
    const group = this.#group(`${level} ${errorPattern(text)}`);
    if (this.#byText.size < MAX_TEXTS) this.#byText.set(exact, group);
    return group;
  }

  #group(name: string): LineGroup {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const isRest = this.#groups.size >= MAX_GROUPS;
    const group = (isRest && this.#groups.get(REST)) || new LineGroup(this.#kind, this.#log, { isRest });
    this.#groups.set(isRest ? REST : name, group);
    return group;
  }

  /** A stretch of time is over: forgets the groups that were quiet in it. */
  #turn(): void {
    this.#cancelTurn = undefined;
    this.#byText.clear();
    for (const [name, group] of this.#groups) if (group.turn()) this.#groups.delete(name);
    if (this.#groups.size === 0) return;
    this.#cancelTurn = this.#clock.after(this.#kind.pace.everyMs, () => this.#turn(), { isBackground: true });
  }
}

/** The group of all errors that found no room. */
const REST = "rest";

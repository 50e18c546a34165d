import { timeOfDayMs } from "../lib/builtins.ts";
import type { LineKind } from "./line_kind.ts";
import type { Fields, Level, Logger } from "./logger.ts";

/** Something that a line of a kind is about. */
export interface Happening {
  /** If it is not the level that is usual for the kind. */
  readonly level?: Level;
  /** Lines of a kind are alike if their errors are. */
  readonly error?: unknown;
  /** How many documents it is about, if it is about documents. */
  readonly documents?: number;
  /** The document, as people write its `_id`, if lines of this kind name each. */
  readonly id?: string;
  /** The fields of its own line. They are made only if that line is written. */
  readonly fields?: () => Fields;
}

/** What one line stands for. */
interface Gathered {
  times: number;
  documents: number;
  readonly ids: string[];
  /** The last of them. */
  example: Happening;
  /** When the first and the last came, in milliseconds since 1970. */
  readonly firstMs: number;
  lastMs: number;
}

/** Lines of one kind that are alike: the first are written at once, the others are gathered in one line. */
export class LineGroup {
  readonly #kind: LineKind;
  readonly #log: Logger;
  readonly #suffix: string;
  /** How often it began in the present stretch of time, and whether anything came in it. */
  #begun = 0;
  #isQuiet = true;
  /** It goes on, of a kind that lasts. */
  #isOn = false;
  /** In the stretch of time before there were too many: then none is written at once. */
  #isFlood = false;
  #gathered: Gathered | undefined;

  /** @param isRest the group has all errors that find no room as groups of their own */
  constructor(kind: LineKind, log: Logger, { isRest }: { isRest: boolean }) {
    this.#kind = kind;
    this.#log = log;
    this.#suffix = isRest ? " (more, with other errors)" : " (more like it)";
  }

  /** Writes its line, or gathers it. At DEBUG every single line is written. */
  add(happening: Happening): void {
    const { message, pace } = this.#kind;
    const begins = !pace.lasts || !this.#isOn;
    this.#isOn = true;
    this.#isQuiet = false;
    if (begins) this.#begun += 1;
    if (begins && !this.#isFlood && this.#begun <= pace.atOnce) {
      return this.#log.write(this.#levelOf(happening), message, happening.fields?.());
    }
    this.#gather(happening);
    if (pace.atOnce > 0 && this.#log.writes("DEBUG")) {
      this.#log.write("DEBUG", message, happening.fields?.());
    }
  }

  /** What lasted is over: says so far how often it failed, not a minute later, when it would look as if it failed again. */
  over(): void {
    const isRare = !this.#isFlood && this.#begun <= this.#kind.pace.atOnce;
    if (this.#isOn && isRare) this.flush();
    this.#isOn = false;
  }

  /** Writes what is gathered. */
  flush(): void {
    const gathered = this.#gathered;
    if (gathered === undefined) return;
    this.#gathered = undefined;
    const { message, pace } = this.#kind;
    const { example } = gathered;
    const suffix = pace.atOnce > 0 ? this.#suffix : "";
    this.#log.write(this.#levelOf(example), message + suffix, {
      ...example.fields?.(),
      ...this.#sumsOf(gathered),
    });
  }

  /** Ends a stretch of time; returns whether the group need not be remembered. */
  turn(): boolean {
    this.flush();
    const { atOnce, lasts } = this.#kind.pace;
    this.#isFlood = atOnce > 0 && this.#begun > atOnce;
    const isOn = lasts === true && this.#isOn;
    const isForgotten = this.#isQuiet || !(this.#isFlood || isOn);
    this.#begun = 0;
    this.#isQuiet = true;
    return isForgotten;
  }

  #levelOf({ level = this.#kind.level }: Happening): Level {
    return level;
  }

  #gather(happening: Happening): void {
    const { documents = 0, id } = happening;
    const lastMs = timeOfDayMs();
    this.#gathered ??= { times: 0, documents: 0, ids: [], example: happening, firstMs: lastMs, lastMs };
    const gathered = this.#gathered;
    gathered.times += 1;
    gathered.documents += documents;
    gathered.example = happening;
    gathered.lastMs = lastMs;
    if (id === undefined) return;
    gathered.ids.push(id);
    if (gathered.ids.length >= (this.#kind.pace.ids ?? Infinity)) this.flush();
  }

  #sumsOf({ documents, example, firstMs, ids, lastMs, times }: Gathered): Fields {
    const isAboutDocuments = example.documents !== undefined;
    return {
      ...(isAboutDocuments ? { documents } : { times }),
      ...(this.#kind.pace.ids !== undefined && { ids }),
      ...(this.#kind.pace.atOnce > 0 && { first: isoTime(firstMs), last: isoTime(lastMs) }),
    };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

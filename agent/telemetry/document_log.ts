import { errorText } from "../errors.ts";
import type { LeasedDocument } from "../ports.ts";
import type { ProcessorLog } from "../processors/processor.ts";
import { readableEntries } from "./loggable.ts";
import type { Fields, Level, Logger } from "./logger.ts";

/** Makes the logs that handlers are given, each for its document. */
export class DocumentLogs {
  readonly #log: Logger;
  readonly #formatId: (id: unknown) => string;

  constructor(log: Logger, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#formatId = formatId;
  }

  /** The log of a run on `document`, or on a batch. */
  logFor(document: LeasedDocument | undefined): ProcessorLog {
    return documentLog(this.#log, () => this.#about(document));
  }

  /** The fields that lines about a document have. */
  #about(document: LeasedDocument | undefined): Fields {
    return document ? { id: this.#formatId(document.id), attempt: document.attempt } : {};
  }
}

/**
 * The log that a processor gets: its lines carry what `about` returns for the document. Its functions take anything (an
 * error as message, or in place of the fields), work when they are detached, and never throw: a line that cannot be
 * written is not a failure of a document.
 */
export function documentLog(log: Logger, about: () => Fields): ProcessorLog {
  const at = (level: Level) => (message: unknown, given?: unknown): void => {
    if (!log.writes(level)) return;
    try {
      log.write(level, typeof message === "string" ? message : errorText(message), {
        ...about(),
        ...(message instanceof Error && given === undefined && log.errorFields(message)),
        ...fieldsOf(log, given),
      });
    } catch (error) {
      log.lose(error);
    }
  };
  return { debug: at("DEBUG"), info: at("INFO"), warn: at("WARNING"), error: at("ERROR") };
}

function fieldsOf(log: Logger, given: unknown): Fields {
  if (given === undefined || given === null) return {};
  if (given instanceof Error) return log.errorFields(given);
  // Only an object has names for its values.
  if (typeof given !== "object" || Array.isArray(given)) return { fields: given };
  return Object.fromEntries(readableEntries(given));
}

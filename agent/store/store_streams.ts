import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { fleetCollection } from "../settings/fleet_settings.ts";
import { CONTROL_CHANGES, TELLING_CHANGES, TELLING_DOCUMENTS } from "./changes.ts";
import type { Link } from "./connection/link.ts";
import { timeLimits } from "./connection/operation_timeout.ts";
import { isMongoDb } from "./server/server_kind.ts";
import type { Source } from "./source.ts";
import type { StoreContext } from "./store_context.ts";
import { type WakeListeners, WakeStream, type WakeStreamOptions } from "./wake_stream.ts";

/** The streams of changes that an agent listens to, each on a connection of its own. */
export class StoreStreams {
  readonly #options: StoreStreamsOptions;

  constructor(options: StoreStreamsOptions) {
    this.#options = options;
  }

  /** A stream of hints that there may be something to claim. */
  wake(listeners: WakeListeners): WakeStream {
    const { collection, link, source } = this.#options;
    return this.#stream({
      ...listeners,
      collection: collection.collectionName,
      pipeline: () => isMongoDb(link.told.hello) ? TELLING_CHANGES : TELLING_DOCUMENTS,
      onEnd: () => source.forget(),
      onUnsupported: (reason) => {
        link.abilities.note("changeStreams", reason);
        listeners.onUnsupported(reason);
      },
    });
  }

  /** A stream of hints that the operators may want something else of all agents. */
  control(listeners: WakeListeners): WakeStream {
    const collection = fleetCollection(this.#options.collection.collectionName);
    return this.#stream({ ...listeners, collection, pipeline: () => CONTROL_CHANGES });
  }

  #stream(
    options: Omit<WakeStreamOptions, "clock" | "db" | "maxAwaitTimeMS" | "random">,
  ): WakeStream {
    const { clock, collection: { dbName }, leaseMs, link, random } = this.#options;
    const db = () => link.connect().then(() => link.db(dbName));
    const { changesMs: maxAwaitTimeMS } = timeLimits(leaseMs);
    const stream = new WakeStream({ ...options, clock, random, db, maxAwaitTimeMS });
    link.onReplaced(() => stream.reopen());
    return stream;
  }
}

/** What {@linkcode StoreStreams} need. */
export interface StoreStreamsOptions extends TimeAndChance, Pick<StoreContext, "collection" | "leaseMs"> {
  readonly link: Link;
  /** It is looked at again if the server ends its stream: it was dropped or renamed. */
  readonly source: Pick<Source, "forget">;
}

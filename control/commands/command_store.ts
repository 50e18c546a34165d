import type { Document, Filter } from "mongodb";
import type { Settings } from "../../agent/settings/settings.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import { uriFileOf } from "../uri_file_of.ts";

/**
 * The store of a command. It holds no leases: what it asks for may take a busy server longer than a short lease lets an agent
 * wait.
 */
export function commandStore(settings: Settings, filter?: Filter<Document>): MongoStore {
  return new MongoStore(settings, filter, { ...SYSTEM, isLeaseless: true });
}

/**
 * The store of a command that may last for hours. As a run does, it follows `MONGODB_URI_FILE` and the files of certificates:
 * a password that is replaced meanwhile ends neither a redrive nor a dashboard.
 */
export function lastingStore(settings: Settings, filter?: Filter<Document>): MongoStore {
  const store = commandStore(settings, filter);
  store.follow(uriFileOf(settings));
  return store;
}

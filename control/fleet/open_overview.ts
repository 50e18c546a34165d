import { systemClock } from "../../agent/lib/clock.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { OverviewReader } from "./overview_reader.ts";

/** Looks at the collection of a store and at its agents. Throws what the driver throws. */
export async function openOverview(
  { forCommands }: Pick<MongoStore, "forCommands">,
  { mongodbCollection, mongodbDatabase }: Pick<Settings, "mongodbCollection" | "mongodbDatabase">,
): Promise<OverviewReader> {
  const { reader } = await forCommands.fleet();
  return new OverviewReader({
    clock: systemClock,
    fleet: reader,
    letters: await forCommands.letters(),
    source: `${mongodbDatabase}.${mongodbCollection}`,
    work: forCommands.workCounts(),
  });
}

import type { Environment } from "../../agent/settings/environment.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { fleetJson } from "../fleet/fleet_json.ts";
import { type FleetSeen, fleetTable } from "../fleet/fleet_table.ts";
import { checkedSettings } from "./checked_settings.ts";
import { commandStore } from "./command_store.ts";
import { storeFailure } from "./store_failure.ts";

/**
 * Prints what the agents of the collection are doing; returns the exit status: 1 if none is alive. It writes nothing.
 *
 * @throws {UsageError} If the settings cannot be used.
 * @throws {CommandError} If the database refuses, or is out of reach.
 */
export async function reportFleet({ asJson, env }: { asJson: boolean; env: Environment }): Promise<number> {
  const { settings, filter } = checkedSettings(env);
  const store = commandStore(settings, filter);
  try {
    await store.source.look();
    const fleet = await store.forCommands.fleet();
    const look = await fleet.allowed("read", () => fleet.reader.look());
    const known = new Set([...look.agents, ...look.withoutStatus].map(({ name }) => name));
    const holders = await orNothing(() => fleet.holders());
    const seen: FleetSeen = {
      ...look,
      source: `${settings.mongodbDatabase}.${settings.mongodbCollection}`,
      unregistered: holders.filter((name) => !known.has(name)),
    };
    await answers.print(asJson ? fleetJson(seen) : fleetTable(seen));
    await answers.finish();
    return look.agents.some(({ presence }) => presence === "alive") ? 0 : 1;
  } catch (error) {
    throw storeFailure("status --fleet", error);
  } finally {
    await store.close();
  }
}

/** It only tells of more: without the right or the index it is left out. */
async function orNothing(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await ask();
  } catch (error) {
    if (isMongoError(error)) return [];
    throw error;
  }
}

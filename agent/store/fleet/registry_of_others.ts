import type { Collection } from "mongodb";
import { MARK } from "./control_document.ts";

/** What has the name of the registry is a collection of the user's: agents write nothing into it. */
export class RegistryOfOthersError extends Error {
  override readonly name = "RegistryOfOthersError";

  /** @param name that of the collection, with its database */
  constructor(name: string) {
    super(`${name} holds documents that no agent has written, so that agents write nothing into it`);
  }
}

/**
 * Checks that a collection holds what agents write, and nothing else. Throws what the driver throws.
 *
 * @throws {RegistryOfOthersError} If it holds another document.
 */
export async function refuseRegistryOfOthers(
  { collection, maxTimeMS, name }: { collection: Collection; maxTimeMS: number; name: string },
): Promise<void> {
  const other = await collection.findOne({ registry: { $ne: MARK.registry } }, {
    projection: { _id: 1 },
    maxTimeMS,
  });
  if (other !== null) throw new RegistryOfOthersError(name);
}

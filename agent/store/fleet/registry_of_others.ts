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

/** Whether a collection holds documents that no agent has written. Throws what the driver throws. */
export async function isOfOthers(collection: Collection, maxTimeMS: number): Promise<boolean> {
  const other = await collection.findOne({ registry: { $ne: MARK.registry } }, {
    projection: { _id: 1 },
    maxTimeMS,
  });
  return other !== null;
}

/**
 * Checks that a collection holds what agents write, and nothing else. Throws what the driver throws.
 *
 * @throws {RegistryOfOthersError} If it holds another document.
 */
export async function refuseRegistryOfOthers(
  { collection, maxTimeMS, name }: { collection: Collection; maxTimeMS: number; name: string },
): Promise<void> {
  if (await isOfOthers(collection, maxTimeMS)) throw new RegistryOfOthersError(name);
}

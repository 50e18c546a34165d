import type { Document } from "mongodb";
import { CONTROL_ID } from "./fleet/control_document.ts";

const INSERTED = { operationType: { $in: ["insert", "replace"] }, "fullDocument.status": "pending" };
const UPDATED = { operationType: "update" };
const TELLING_STATUS = { $in: ["pending", "canceled"] };

/** Changes after which a document may be claimable, inserted as pending or set back to it, and those that cancel one. */
export const TELLING_CHANGES: Document[] = [
  { $changeStream: {} },
  { $match: { $or: [INSERTED, { ...UPDATED, "updateDescription.updatedFields.status": TELLING_STATUS }] } },
  { $project: { isCanceled: { $eq: ["$updateDescription.updatedFields.status", "canceled"] } } },
];

/**
 * The same for servers that do not tell which fields an update has changed: each update of such a document is a hint, and
 * the document is looked up.
 */
export const TELLING_DOCUMENTS: Document[] = [
  { $changeStream: { fullDocument: "updateLookup" } },
  { $match: { $or: [INSERTED, { ...UPDATED, "fullDocument.status": TELLING_STATUS }] } },
  { $project: { isCanceled: { $eq: ["$fullDocument.status", "canceled"] } } },
];

/** Changes of what the operators want of a fleet, among the beats of its agents. */
export const CONTROL_CHANGES: Document[] = [
  { $changeStream: {} },
  { $match: { "documentKey._id": CONTROL_ID } },
  { $project: { operationType: 1 } },
];

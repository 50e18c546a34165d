/** How new documents are claimed. */
export type ClaimMode = "document" | "range";

/**
 * What to do about the WARNING and ERROR lines of the log that do not say so themselves, because they come for many
 * documents, or because there is more to say than fits. The keys are the messages as {@linkcode collectMessages} reads
 * them; docs/messages.md is made of this.
 */
export const WHAT_TO_DO: Record<string, string> = {};

/** What may go wrong, and what people do in between; the budget of a scenario limits how often. */
export const FAULTS = {
  crash: "a process is killed",
  freeze: "an agent is stopped for longer than a lease",
  lose: "an answer is lost: the write is applied at once, later or never",
  drain: "an agent is told to end",
  redrive: "the operator redrives a dead letter",
  requeue: "the operator requeues a document that no agent holds",
  cancel: "the operator cancels a document that waits or is in processing",
  refuse: "the database lets a document take no verdict",
  conflict: "the server aborts a transaction: a user has changed what it writes, or it took too long",
  take: "another program sets a pending document to `processing`",
  edit: "a user changes a pending document",
  reset: 'a user starts a document over: `status: "pending"`, `_pull` removed',
  rerun: 'a user starts a processed document over: `status: "pending"`, `_pull` removed',
  meddle: "a user sets `status` to `pending` and leaves `_pull` as it is",
  remove: "a user deletes a document",
} as const;

export type Fault = keyof typeof FAULTS;

export type Budget = Readonly<Partial<Record<Fault, number>>>;

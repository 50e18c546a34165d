/** What may go wrong with range claims, or change from outside, each as often as a scenario allows. */
export const RANGE_FAULTS = {
  crash: "a process is killed",
  freeze: "an agent is stopped for longer than a lease: that of its range, or that of its mode",
  lose: "an answer is lost: the write is applied at once, later or never",
  abort: "the server aborts a transaction",
  drain: "an agent is told to end",
  reset: "the operator redrives or requeues a processed document, or a user starts it over",
  requeue: "the operator requeues a document that no agent has run yet",
  stop: "a user gives a pending document a status of their own",
  remove: "a user deletes a document",
  again: "a user inserts a document with the `_id` of one that is deleted",
  wipe: "the operator removes the control document",
  failover:
    "a swap is applied by a primary that no majority follows, and undone when another member becomes primary",
} as const;
export type RangeFault = keyof typeof RANGE_FAULTS;

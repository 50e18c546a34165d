/** Reports about the link. */
export interface LinkListeners {
  /** The database can be used from now on, or cannot: whether it takes writes, and lets the agent in. */
  onReachable(isReachable: boolean, error?: unknown): void;
  /** The agent has connected anew, as its connection string or the certificates that it names have changed. */
  onRenewed(): void;
  /** The new connection cannot be used, and the earlier one stays. Called once for each reason. */
  onStale(reason: string): void;
}

/** Those of a link that no one follows. */
export const NO_LISTENERS: LinkListeners = { onReachable() {}, onRenewed() {}, onStale() {} };

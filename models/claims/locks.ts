import type { State, Transaction } from "./state.ts";

/**
 * Whether an open transaction has changed the document. Until it ends no other write changes it: one in no transaction
 * waits, one in another transaction is a conflict. That is MongoDB's promise, not a rule of the protocol.
 */
export function isLocked({ agents, messages }: State, doc: number): boolean {
  return agents.some(({ transaction }) => transaction?.matched.includes(doc)) ||
    messages.some((message) => message.kind === "transaction" && message.transaction.matched.includes(doc));
}

/** The state after an agent has left its transaction: open, or with a commit that has no answer. */
export function leftOpen(state: State, transaction: Transaction | undefined, isCommitSent: boolean): State {
  if (!transaction) return state;
  return { ...state, messages: [...state.messages, { kind: "transaction", transaction, isCommitSent }] };
}

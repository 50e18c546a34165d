import { type Item, NONE, type State } from "./state.ts";

/** A token that is not in use. */
export function freshToken({ docs, agents, messages }: State): number {
  const used = new Set<number>(docs.map(({ token }) => token));
  const addTokens = (items: readonly Item[]) => {
    for (const { token } of items) used.add(token);
  };
  for (const { claim, items } of agents) {
    if (claim) used.add(claim.token);
    addTokens(items);
  }
  for (const message of messages) {
    if (message.kind === "claim") used.add(message.token);
    if (message.kind === "write") used.add(message.write.token);
    if (message.kind === "transaction") addTokens(message.transaction.members);
  }
  let token = 1;
  while (used.has(token)) token += 1;
  return token;
}

/** A time for a verdict on a document, later than every other that is known. */
export function nextTime(
  { docs, letters, agents, messages, redrives, requeues }: State,
  doc: number,
): number {
  let latest = Math.max(docs[doc]!.verdict, letters[doc]?.at ?? NONE);
  for (const { items } of agents) {
    for (const item of items) if (item.doc === doc) latest = Math.max(latest, item.verdict);
  }
  for (const message of messages) {
    if (message.kind === "copy" && message.doc === doc) latest = Math.max(latest, message.letter.at);
    if (message.kind === "write" && message.write.doc === doc) {
      latest = Math.max(latest, message.write.verdict);
    }
  }
  for (const redrive of redrives) if (redrive.doc === doc) latest = Math.max(latest, redrive.at);
  for (const { at, doc: of, verdict } of requeues) if (of === doc) latest = Math.max(latest, at, verdict);
  return latest + 1;
}

import { type Agent, type Candidate, type Doc, type Item, type Letter, NONE, type State } from "./state.ts";

/**
 * Names a state. Tokens are renamed in the order in which they occur, and agents are sorted, because neither changes
 * what can happen. States with one name are alike. Some that are alike have two names, which only costs time.
 */
export function keyOf(state: State): string {
  const tokens = new Map<number, number>();
  const name = (token: number) => {
    if (token === NONE) return "-";
    const known = tokens.get(token);
    if (known !== undefined) return known;
    tokens.set(token, tokens.size);
    return tokens.size - 1;
  };
  const known = (token: number) => token === NONE ? "-" : tokens.get(token) ?? "?";
  let key = "";
  for (const [number, doc] of state.docs.entries()) {
    const letter = state.letters[number];
    key += `${docKey(doc, name)}${letter ? letterKey(letter) : ""};`;
  }
  const agents = state.agents.length < 2
    ? state.agents
    : state.agents.map((agent) => ({ agent, by: agentKey(agent, known) }))
      .sort((a, b) => a.by < b.by ? -1 : 1).map(({ agent }) => agent);
  for (const agent of agents) key += `${agentKey(agent, name)};`;
  const each = (item: Item) => itemKey(item, name);
  const messages = state.messages.map((message) => {
    switch (message.kind) {
      case "claim":
        return `C${name(message.token)}.${message.at}${message.taken}${candidatesKey(message.candidates)}`;
      case "write": {
        const { name: what, doc, token, alone, verdict, isSuspect, life, saved } = message.write;
        return `W${what}${doc}${name(token)}${alone}${verdict}${isSuspect ? "s" : ""}${life}.${saved}`;
      }
      case "copy":
        return `L${message.doc}${letterKey(message.letter)}`;
      case "transaction": {
        const { members, matched } = message.transaction;
        return `T${message.isCommitSent ? "c" : ""}${members.map(each).join()}/${matched}`;
      }
    }
  });
  key += messages.sort().join(",");
  for (const { doc, at, isReference, stage } of state.redrives) {
    key += `;${stage}${doc}${at}${isReference ? "r" : ""}`;
  }
  for (const { doc, at, stage, status, verdict } of state.requeues) {
    key += `;q${stage}${doc}${status[0]}${verdict}.${at}`;
  }
  return `${key}|${Object.values(state.budget).join("")}`;
}

function letterKey({ at, life, isReference }: Letter): string {
  return `${at}.${life}${isReference ? "r" : ""}`;
}

function docKey(doc: Doc, name: (token: number) => unknown): string {
  const { truth } = doc;
  const flags = (doc.isLive ? 1 : 0) + (doc.isScheduled ? 2 : 0) + (truth.isBlamed ? 4 : 0) +
    (truth.isForeign ? 8 : 0) + (truth.isReset ? 16 : 0) + (doc.isAsleep ? 32 : 0);
  return `${doc.status[0]}${
    name(doc.token)
  }.${flags}.${doc.attempts}.${doc.takeovers}${doc.alone}${doc.verdict}` +
    `${doc.edition}${truth.life}${truth.failures}${truth.blames}${truth.ended}${truth.successes}` +
    `${truth.effects}${truth.dozes}${truth.confirmed}${doc.snoozes}${doc.saved}${doc.savedIn}`;
}

function agentKey(
  { claim, items, isDraining, transaction }: Agent,
  name: (token: number) => unknown,
): string {
  let key = isDraining ? "D" : "A";
  if (claim) {
    key += `${claim.isReadBack ? "b" : "w"}${claim.isLost ? "l" : ""}${name(claim.token)}` +
      candidatesKey(claim.candidates);
  }
  if (transaction) {
    const { members, matched, isWritten } = transaction;
    key += `T${isWritten ? "w" : ""}${members.map(({ doc }) => doc)}/${matched}:`;
  }
  return key + items.map((item) => itemKey(item, name)).sort().join(",");
}

function itemKey(item: Item, name: (token: number) => unknown): string {
  const { saved, savedIn, made, stored } = item;
  const checkpoints = saved + made === NONE ? "" : `.${saved}${savedIn}${made}${stored}`;
  return `${item.doc}${item.phase.slice(0, 3)}${name(item.token)}.${item.attempt}${
    item.isSuspect ? "s" : ""
  }` +
    `${item.alone}${item.verdict}${item.edition}${item.life}${checkpoints}`;
}

/** The ninth letter of a kind tells the kinds apart. */
function candidatesKey(candidates: readonly Candidate[]): string {
  let key = "";
  for (const { doc, kind, attempts, alone, verdict, edition, life, saved, savedIn } of candidates) {
    key += `:${doc}${kind[8]}${attempts}${alone}${verdict}${edition}${life}${saved}${savedIn}`;
  }
  return key;
}

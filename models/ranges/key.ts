import type { RangeProtocol } from "./protocol.ts";
import type { RangeDoc, RangeState } from "./state.ts";
import type { LateWrite, SentWrite, Task } from "./task.ts";

/** How tokens are written into a key. */
type Naming = (token: number) => string;

/**
 * Names a state. Tokens are renamed in the order in which they occur, agents and lists whose order means nothing are
 * sorted, and of the version only is told whether it is the current one: no number becomes current again. States of one
 * name are alike. Some that are alike have two names, which only costs time.
 */
export function keyOf(state: RangeState, protocol: RangeProtocol): string {
  const { docs, position, version, ranges, mode, agents, hasMode, shown, late, undone, budget } = state;
  // A number may only become current again if the last write is undone, or if versions are counted.
  const isKnown = undone !== undefined || !protocol.has("versionsAreUnique");
  const age = (of: number) => isKnown ? `${of - version}` : of === version ? "n" : "o";
  const names = new Map<number, string>();
  const known: Naming = (token) => token === 0 ? "-" : names.get(token) ?? "?";
  const name: Naming = (token) => {
    if (token !== 0 && !names.has(token)) names.set(token, String(names.size));
    return known(token);
  };
  let key = `${position}${mode.name}${mode.isLive ? "l" : ""}`;
  for (const doc of docs) key += docKey(doc, name);
  const inOrder = ranges.length < 2 ? ranges : ranges.toSorted((a, b) => a.from - b.from || a.to - b.to);
  for (const range of inOrder) key += rangeKey(range, name);
  const each = agents.map((task, at) => {
    const kind = `${protocol.isDocumentAgent(at) ? "D" : "R"}${hasMode[at] ? "m" : ""}${
      shown[at] ? "s" : ""
    }`;
    return { task, of: (by: Naming) => kind + (task ? taskKey(task, age, by) : "-") };
  });
  for (const { of } of inOrderOf(each, known)) key += of(name);
  const isDead = (write: LateWrite) =>
    write.name === "swap" && age(write.version) === "o" && protocol.has("comparesVersion");
  const writes = late.filter((write) => !isDead(write)).map((write) => ({
    of: (by: Naming) => lateKey(write, age, by),
  }));
  for (const { of } of inOrderOf(writes, known)) key += of(name);
  if (undone) {
    key += `u${undone.position}${undone.mode.name}${age(undone.version)}`;
    for (const range of undone.ranges) key += rangeKey(range, name);
  }
  return `${key}|${Object.values(budget).join("")}`;
}

function inOrderOf<T extends { of(by: Naming): string }>(list: readonly T[], known: Naming): readonly T[] {
  if (list.length < 2) return list;
  return list.map((each) => ({ each, by: each.of(known) })).sort((a, b) => a.by < b.by ? -1 : 1)
    .map(({ each }) => each);
}

function docKey(doc: RangeDoc, name: Naming): string {
  const flags = (doc.isNew ? 1 : 0) + (doc.hasFailed ? 2 : 0) + (doc.isJudged ? 4 : 0) +
    (doc.hasLetter ? 8 : 0) + (doc.isStopped ? 16 : 0) + (doc.isLocked ? 32 : 0);
  return `;${doc.status.slice(0, 2)}${name(doc.token)}.${flags}.${doc.takeovers}${doc.runs}${doc.excuses}` +
    `${doc.effects}${doc.ended}`;
}

function rangeKey(range: RangeState["ranges"][number], name: Naming): string {
  return `[${range.from},${range.to}${name(range.token)}${range.isLive ? "l" : ""}`;
}

function taskKey(task: Task, age: Naming, name: Naming): string {
  switch (task.kind) {
    case "control": {
      const ranges = task.ranges.map(({ from, to }) => `${from},${to}`).sort().join(";");
      return `c${task.position}${age(task.version)}${ranges}`;
    }
    case "look":
      return "o";
    case "ids":
      return `i${task.from}:${task.ids}`;
    case "swap":
      return `s${task.position}${age(task.version)}${task.isAside}${task.from}:${task.ids}`;
    case "range": {
      const sent = task.sent.map(sentKey).sort();
      return `r${name(task.token)}${task.todo}/${task.done.toSorted()}/${sent}/${task.own}/${
        task.open ?? ""
      }`;
    }
    case "left":
      return `l${name(task.token)}${task.isOurs}${task.from},${task.to},${task.cutAt ?? ""}:${task.ids}/` +
        `${task.unanswered.toSorted()}`;
    case "candidate":
      return `n${task.doc}`;
    case "document":
      return `d${name(task.token)}${task.doc}${task.isDone}`;
  }
}

function sentKey({ doc, name }: SentWrite): string {
  return `${name}${doc}`;
}

function lateKey(write: LateWrite, age: Naming, name: Naming): string {
  switch (write.name) {
    case "swap":
      return `;${write.position}${age(write.version)}${write.isAside}${write.from},${write.to}` +
        name(write.token);
    case "cut":
      return `;cut${name(write.token)}${write.from},${write.to}`;
    case "takeover":
      return `;over${name(write.token)}${write.from},${write.to}${name(write.next)}`;
    case "mode":
      return `;${write.mode}`;
    case "claim":
      return `;claim${write.doc}${name(write.token)}${write.isOver}`;
    case "mark":
    case "commit":
      return `;${write.name}${write.doc}`;
    case "drop":
      return `;${write.name}${name(write.token)}`;
    default:
      return `;${write.name}${write.doc}${name(write.token)}`;
  }
}

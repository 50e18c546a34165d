import { useEffect, useState } from "preact/hooks";
import type { StoryJson } from "../api.ts";
import { attemptsText } from "./attempts_text.ts";
import { isoOf, numberOf } from "./bson_value.ts";
import { span } from "./format.ts";
import { serverNow } from "./server_time.ts";

/** The states of a document, as an operator thinks of them. */
type Node = "pending" | "waiting" | "processing" | "processed" | "failed" | "canceled";
type Edge = readonly [from: Node, to: Node];

interface Layout {
  width: number;
  height: number;
  /** The middle of each node. */
  at: Readonly<Record<Node, readonly [x: number, y: number]>>;
}

const WIDE: Layout = {
  width: 640,
  height: 216,
  at: {
    pending: [76, 48],
    processing: [300, 48],
    processed: [560, 48],
    waiting: [188, 168],
    canceled: [390, 168],
    failed: [560, 168],
  },
};
const NARROW: Layout = {
  width: 336,
  height: 300,
  at: {
    pending: [62, 40],
    waiting: [272, 40],
    processing: [168, 148],
    processed: [56, 262],
    canceled: [168, 262],
    failed: [280, 262],
  },
};
const SMALL_SCREEN = "(max-width: 700px)";
const HALF = { width: 54, height: 24 };

const EDGES: readonly Edge[] = [
  ["pending", "processing"],
  ["processing", "processed"],
  ["processing", "failed"],
  ["processing", "canceled"],
  ["processing", "waiting"],
  ["waiting", "pending"],
];

const NODE_OF: Readonly<Record<StoryJson["state"], Node>> = {
  claimable: "pending",
  stuck: "pending",
  waiting: "waiting",
  leased: "processing",
  processed: "processed",
  failed: "failed",
  canceled: "canceled",
};

/** The states of a document with the way that it went through them. */
export function StateDrawing({ story }: { story: StoryJson }) {
  const layout = useIsSmall() ? NARROW : WIDE;
  const { nodes, edges, now } = wayOf(story);
  const isGone = (edge: Edge) => edges.some(([from, to]) => from === edge[0] && to === edge[1]);
  const drawn = [
    ...EDGES,
    ...edges.filter((edge) => !EDGES.some((it) => it[0] === edge[0] && it[1] === edge[1])),
  ]
    .toSorted((a, b) => Number(isGone(a)) - Number(isGone(b)));
  const way = [...nodes].filter((node) => node !== now);
  return (
    <svg
      class="drawing"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      role="img"
      aria-label={`It is ${now}${way.length > 0 ? `, and was ${way.join(", ")}` : ""}`}
    >
      <defs>
        {["gone", "open"].map((kind) => (
          <marker
            id={`head-${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path class={kind} d="M0 0 8 4 0 8z" />
          </marker>
        ))}
      </defs>
      {drawn.map((edge) => (
        <Way
          key={edge.join()}
          edge={edge}
          layout={layout}
          isGone={isGone(edge)}
          label={labelOf(edge, story)}
        />
      ))}
      {(Object.keys(layout.at) as Node[]).map((node) => (
        <State
          key={node}
          node={node}
          layout={layout}
          kind={node === now ? `now ${story.state}` : nodes.has(node) ? "gone" : "open"}
          note={node === now ? noteOf(story) : undefined}
        />
      ))}
    </svg>
  );
}

function State(
  { node, layout, kind, note }: { node: Node; layout: Layout; kind: string; note: string | undefined },
) {
  const [x, y] = layout.at[node];
  return (
    <g class={`node ${kind}`}>
      <rect x={x - HALF.width} y={y - HALF.height} width={HALF.width * 2} height={HALF.height * 2} rx="10" />
      <text x={x} y={note ? y - 2 : y + 5}>{node}</text>
      {note && <text class="note" x={x} y={y + 14}>{note}</text>}
    </g>
  );
}

function Way(
  { edge, layout, isGone, label }: { edge: Edge; layout: Layout; isGone: boolean; label: string | undefined },
) {
  const [from, to] = [layout.at[edge[0]], layout.at[edge[1]]];
  const [x1, y1] = border(from, to);
  const [x2, y2] = border(to, from);
  const kind = isGone ? "gone" : "open";
  return (
    <>
      <path class={`way ${kind}`} d={`M${x1} ${y1} ${x2} ${y2}`} marker-end={`url(#head-${kind})`} />
      {label && <text class="label" x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 6}>{label}</text>}
    </>
  );
}

/** Where the line from one node to another leaves its box. */
function border([x, y]: readonly [number, number], [toX, toY]: readonly [number, number]): [number, number] {
  const [dx, dy] = [toX - x, toY - y];
  const scale = Math.min(
    (HALF.width + 4) / Math.max(Math.abs(dx), 0.001),
    (HALF.height + 4) / Math.max(Math.abs(dy), 0.001),
  );
  return [Math.round(x + dx * scale), Math.round(y + dy * scale)];
}

/** What its bookkeeping tells of its way. */
function wayOf(story: StoryJson): { nodes: Set<Node>; edges: Edge[]; now: Node } {
  const now = NODE_OF[story.state];
  const ran = (numberOf(story.attempts) ?? 0) > 0 || story.errors.length > 0;
  const snoozed = (numberOf(story.snoozes) ?? 0) > 0;
  const edges: Edge[] = [];
  const wasClaimed = ran || snoozed || ["processing", "processed", "failed"].includes(now);
  if (wasClaimed) edges.push(["pending", "processing"]);
  // The last error of a dead letter led to it; those before it led to another attempt.
  const retries = story.errors.length - (now === "failed" ? 1 : 0);
  if (wasClaimed && (snoozed || retries > 0 || now === "waiting")) {
    edges.push(["processing", "waiting"]);
    if (now !== "waiting") edges.push(["waiting", "pending"]);
  }
  if (now === "processed" || now === "failed") edges.push(["processing", now]);
  if (now === "canceled") edges.push([wasClaimed ? "processing" : "pending", now]);
  return { nodes: new Set([now, ...edges.flat()]), edges, now };
}

function labelOf([from, to]: Edge, story: StoryJson): string | undefined {
  const attempts = numberOf(story.attempts) ?? 0;
  if (from === "pending" && to === "processing" && attempts > 0) {
    return `attempt ${attemptsText(story)}`;
  }
  return undefined;
}

function noteOf(story: StoryJson): string | undefined {
  const until = isoOf(story.visible_at);
  const left = until === undefined ? undefined : (Date.parse(until) - serverNow()) / 1000;
  switch (story.state) {
    case "stuck":
      return "stuck";
    case "claimable":
      return "may be claimed";
    case "waiting":
      return left === undefined ? undefined : left > 0 ? `due in ${span(left)}` : "due";
    case "leased":
      return left === undefined ? undefined : `lease ${span(left)}`;
    default:
      return undefined;
  }
}

function useIsSmall(): boolean {
  const [isSmall, setSmall] = useState(() => matchMedia(SMALL_SCREEN).matches);
  useEffect(() => {
    const query = matchMedia(SMALL_SCREEN);
    const changed = () => setSmall(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return isSmall;
}

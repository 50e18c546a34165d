/**
 * What the dashboard asks about the agents.
 *
 * @module
 */

import { INSTRUMENTS as I } from "../../agent/metrics/instruments.ts";
import { chart, list, type State, timeline } from "./panels.ts";
import { growth, max, ofAgents, quantile, series, sum } from "./promql.ts";
import { AGENT, type Panels } from "./work_rows.ts";

const STATES: State[] = [
  { from: 0, to: 0, text: "not ready", color: "red" },
  { from: 1, to: 1, text: "ready", color: "green" },
  { from: 2, to: 3, text: "paused", color: "blue" },
  { from: 4, to: 7, text: "stuck", color: "dark-red" },
];

/** Who works, and who does not? */
export function agentPanels(): Panels {
  const by = ["pod", "instance"] as const;
  return [
    timeline({
      title: "State of each agent",
      description:
        "Ready, paused, not ready (MongoDB is out of reach, claims fail, the collection is missing, or it drains) or stuck. A gap means that Prometheus got no answer. pulling-agent status in the pod tells the reason.",
      unit: "none",
      span: 24,
      query: [
        `${max(I.ready, [...by])} + 2 * ${max(I.paused, [...by])} + 4 * ${max(I.loopStuck, [...by])}`,
        AGENT,
      ],
      states: STATES,
    }),
    chart({
      title: "Paused, by source",
      description:
        "Agents that are paused, by the control file (ConfigMap, script, schedule) or by a signal (pulling-agent pause).",
      unit: "none",
      span: 8,
      queries: [[sum(I.paused, ["source"]), "{{source}}"]],
    }),
    chart({
      title: "Without MongoDB, or without an answered claim",
      description:
        "Agents that reach no MongoDB that takes writes, and the longest time since a claim was answered. The time rises while an agent is paused, too. And the time since the documents that wait were counted: in a fleet one agent counts them for all, at most every 30 seconds.",
      unit: "s",
      span: 8,
      queries: [
        [`count(${series(I.mongodbConnected)}) - ${sum(I.mongodbConnected)}`, "agents without MongoDB"],
        [`time() - min(${series(I.lastClaim)})`, "longest time since a claim"],
        // It is 0 before the first count.
        [`time() - (${max(I.backlogCounted)} > 0)`, "age of the last count of the backlog"],
      ],
    }),
    chart({
      title: "Processor down",
      description:
        "Agents whose processor fails for one document after the other: they try one at a time. And how many times that began within an hour.",
      unit: "none",
      span: 8,
      queries: [
        [sum(I.breakerOpen), "agents"],
        [growth(I.breakerOpened, "1h"), "times within an hour"],
      ],
    }),
    chart({
      title: "Restarts within an hour",
      description: "How often the process of a pod started again. Reasons: kubectl describe pod, Last State.",
      unit: "none",
      span: 8,
      queries: [[ofAgents(`changes(${series(I.processStart)}[1h])`, I.buildInfo), AGENT]],
    }),
    chart({
      title: "Documents held, by stage",
      description:
        "waiting: claimed, no slot is free. running: in a handler. settling: the outcome is being written. Much settling points to MongoDB, much waiting to slow handlers.",
      unit: "short",
      span: 8,
      queries: [[sum(I.held, ["stage"]), "{{stage}}"]],
      isStacked: true,
    }),
    chart({
      title: "Size of a claim",
      description:
        "Documents that the next claim of each agent takes at most: BATCH_SIZE, or what auto makes of it now. With auto it is low if few documents wait, or if the handlers are slow.",
      unit: "short",
      span: 8,
      queries: [[ofAgents(series(I.batchSize), I.buildInfo), AGENT]],
    }),
    chart({
      title: "How long the process is blocked (p99)",
      description:
        "How late the event loop is. Above a second, a handler computes without a break, or the CPU limit throttles the pod: heartbeats and leases are late, too.",
      unit: "s",
      span: 8,
      queries: [[quantile(0.99, I.eventLoopDelay, [...by]), AGENT]],
    }),
    chart({
      title: "Memory",
      description:
        "What each process takes of the machine, and the fullest heap beside its limit. Close to the limit: lower BATCH_SIZE and CONCURRENCY.",
      unit: "bytes",
      span: 8,
      queries: [
        [ofAgents(series(I.processMemory), I.buildInfo), AGENT],
        [max(I.heapUsed), "fullest heap"],
        [max(I.heapLimit), "limit of the heap"],
      ],
    }),
    list({
      title: "Versions",
      description:
        "How many agents run which build. Two rows are a rollout, or one that has stopped half way.",
      unit: "none",
      span: 24,
      height: 5,
      query: `count by (namespace, app, version, commit) (${series(I.buildInfo)})`,
      columns: {
        namespace: "Namespace",
        app: "Deployment",
        version: "Version",
        commit: "Commit",
        Value: "Agents",
      },
    }),
  ];
}

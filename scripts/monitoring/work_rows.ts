/**
 * What the dashboard asks about the work, row by row: the questions of an operator at three in the morning.
 *
 * @module
 */

import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { INSTRUMENTS as I } from "../../agent/metrics/instruments.ts";
import { chart, list, number } from "./panels.ts";
import { limitPanels } from "./limit_panels.ts";
import { growth, max, observations, perSecond, quantile, sum, timeSpent } from "./promql.ts";

/** The panels of a row. */
export type Panels = Builder<Panel>[];

/** A pod by its name; without Kubernetes, by its address. */
export const AGENT = "{{pod}} {{instance}}";

const FAILED_SHARE = share(
  growth(I.attemptsFailed, "15m"),
  growth(I.settled, "15m", [], { outcome: "processed" }),
);

/** The numbers at the top: is there anything to worry about? */
export function topPanels(): Panels {
  return [
    number({
      title: "Agents ready",
      description: "Agents that claim and process documents now. Paused agents are not among them.",
      unit: "none",
      span: 4,
      query: sum(I.ready),
      green: 1,
    }),
    number({
      title: "Oldest document",
      description:
        "How long the oldest document that could be claimed has waited. It is the first number to look at: as long as it is small, documents are processed in time, however many they are.",
      unit: "s",
      span: 4,
      query: max(I.oldestClaimable),
      yellow: 300,
      red: 900,
      noValue: "none waits",
    }),
    number({
      title: "Waiting",
      description:
        "Documents that could be claimed now. The agents count up to 10,000: that much may mean more.",
      unit: "short",
      span: 4,
      query: max(I.claimable),
    }),
    number({
      title: "Processed per second",
      description: "Documents that all agents marked as processed, per second.",
      unit: "ops",
      span: 4,
      query: perSecond(I.settled, [], { outcome: "processed" }),
    }),
    number({
      title: "Failed attempts",
      description:
        "The share of attempts that failed within 15 minutes. Most documents run again after a while.",
      unit: "percentunit",
      span: 4,
      query: FAILED_SHARE,
      yellow: 0.05,
      red: 0.2,
      noValue: "no attempts",
    }),
    number({
      title: "Dead letters",
      description:
        "Documents that failed for good and wait for a person: pulling-agent dead-letters summary. Counted up to 10,000.",
      unit: "short",
      span: 4,
      query: max(I.deadLetters),
      yellow: 1,
    }),
    list({
      title: "Alerts that fire now",
      description:
        "From the rules in k8s/monitoring. Each has a section in docs/runbooks.md: what it means, where to look, what to do.",
      unit: "none",
      span: 24,
      height: 5,
      query: 'ALERTS{alertname=~"PullingAgent.*", alertstate="firing", namespace=~"$namespace|"}',
      columns: {
        severity: "Severity",
        alertname: "Alert",
        namespace: "Namespace",
        app: "Deployment",
        pod: "Pod",
        collection: "Collection",
      },
    }),
  ];
}

/** Is it moving? */
export function movingPanels(): Panels {
  return [
    chart({
      title: "Documents per second, by outcome",
      description:
        "What became of documents: processed, to run again (retried), failed for good (dead_lettered), given back undone (released), put off by their processor (snoozed), canceled. If it is flat at zero while documents wait, look at the last row.",
      unit: "ops",
      span: 12,
      queries: [[perSecond(I.settled, ["outcome"]), "{{outcome}}"]],
      isStacked: true,
    }),
    chart({
      title: "Claimed per second",
      description:
        "Documents that agents took, and those of them that were taken over from an agent that ended or was cut off. Conflicts are candidates that another agent claimed first: many of them only cost time.",
      unit: "ops",
      span: 12,
      queries: [
        [perSecond(I.claimed), "claimed"],
        [perSecond(I.takenOver), "taken over"],
        [perSecond(I.claimConflicts), "conflicts"],
      ],
    }),
    chart({
      title: "Documents that wait",
      description:
        "The backlog by collection. The agents count up to 10,000: a flat line at 10,000 is a larger backlog, so look at the age of the oldest. Left alone are documents that no claim can take: pulling-agent why tells the reason.",
      unit: "short",
      span: 8,
      queries: [
        [max(I.claimable, ["database", "collection"]), "{{database}}.{{collection}}"],
        [max(I.leftAlone), "left alone"],
      ],
    }),
    chart({
      title: "Age of the oldest document",
      description:
        "If it rises as fast as time passes, nothing is claimed. If it rises more slowly, there are too few agents.",
      unit: "s",
      span: 8,
      queries: [[max(I.oldestClaimable, ["database", "collection"]), "{{database}}.{{collection}}"]],
    }),
    chart({
      title: "Time from due to claimed",
      description:
        "How long the documents that were claimed had waited. New documents count from the time in their ObjectId, retries and scheduled ones from when they were due.",
      unit: "s",
      span: 8,
      queries: [
        [quantile(0.5, I.pickUpDelay), "half wait less than"],
        [quantile(0.95, I.pickUpDelay), "95 % wait less than"],
      ],
    }),
    ...limitPanels(),
  ];
}

/** What fails? */
export function failurePanels(): Panels {
  return [
    chart({
      title: "Share of attempts that failed",
      description:
        "By Deployment. If it jumps at a rollout, suspect the new version; if it jumps without one, a service that the handlers call. pulling-agent dead-letters summary and the log lines name the errors.",
      unit: "percentunit",
      span: 8,
      max: 1,
      queries: [[
        share(
          growth(I.attemptsFailed, "15m", ["app"]),
          growth(I.settled, "15m", ["app"], { outcome: "processed" }),
        ),
        "{{app}}",
      ]],
    }),
    chart({
      title: "Failed attempts, retries and dead letters per second",
      description:
        "A failed attempt ends as a retry, or as a dead letter if it was the last one or its error is permanent.",
      unit: "ops",
      span: 8,
      queries: [
        [perSecond(I.attemptsFailed), "failed attempts"],
        [perSecond(I.settled, [], { outcome: "retried" }), "retried"],
        [perSecond(I.settled, [], { outcome: "dead_lettered" }), "dead letters"],
      ],
    }),
    chart({
      title: "Dead letters",
      description: "All that wait for a person, counted up to 10,000. A redrive or a purge makes it fall.",
      unit: "short",
      span: 8,
      queries: [[max(I.deadLetters, ["database", "collection"]), "{{database}}.{{collection}}"]],
    }),
    chart({
      title: "Trouble between the agents and MongoDB",
      description:
        "Claims that failed, outcomes that MongoDB refused (a validator, an index, a size), and outcomes of which no answer came. All are zero if all is well.",
      unit: "ops",
      span: 12,
      queries: [
        [perSecond(I.claimErrors), "claims failed"],
        [perSecond(I.outcomesRefused), "outcomes refused"],
        [perSecond(I.outcomesUnconfirmed), "outcomes unconfirmed"],
      ],
    }),
    chart({
      title: "Leases lost per second",
      description:
        "Documents that were taken over, changed or deleted while an agent worked on them. They may run twice. It is zero if processes are never blocked for longer than LEASE_DURATION.",
      unit: "ops",
      span: 12,
      queries: [[perSecond(I.leasesLost, ["pod", "instance"]), AGENT]],
    }),
  ];
}

/** Is it the handlers or MongoDB? */
export function timePanels(): Panels {
  return [
    chart({
      title: "How long handlers run",
      description:
        "Runs that ended well or failed. If p50 rises, a service that handlers call has become slow; if only p99 rises, some documents are hard.",
      unit: "s",
      span: 8,
      queries: [
        [quantile(0.5, I.handlerSeconds), "p50"],
        [quantile(0.95, I.handlerSeconds), "p95"],
        [quantile(0.99, I.handlerSeconds), "p99"],
      ],
    }),
    chart({
      title: "How long MongoDB takes, by operation (p95)",
      description:
        "If this rises and the handlers stay as they were, it is MongoDB: pulling-agent doctor shows missing indexes.",
      unit: "s",
      span: 8,
      queries: [[quantile(0.95, I.operationSeconds, ["operation"]), "{{operation}}"]],
    }),
    chart({
      title: "What is busy: handlers or MongoDB",
      description:
        "Handlers and operations under way at the same time, on average. Handlers close to CONCURRENCY times the number of agents: more agents help. Handlers near zero while documents wait: MongoDB, or the agents are paused.",
      unit: "short",
      span: 8,
      queries: [
        [timeSpent(I.handlerSeconds), "handlers under way"],
        [timeSpent(I.operationSeconds), "MongoDB operations under way"],
      ],
    }),
    chart({
      title: "Runs of the handler per second, by result",
      description:
        "timed_out took longer than PROCESS_TIMEOUT. aborted ended because the agent had to stop, or lost the lease.",
      unit: "ops",
      span: 12,
      queries: [[observations(I.handlerSeconds, ["result"]), "{{result}}"]],
      isStacked: true,
    }),
    chart({
      title: "MongoDB operations that failed per second",
      description:
        "By operation. All are zero if all is well; an election of a new primary shows as a short peak.",
      unit: "ops",
      span: 12,
      queries: [[observations(I.operationSeconds, ["operation"], { outcome: "error" }), "{{operation}}"]],
    }),
  ];
}

/** What part of a sum the first of its terms is. */
function share(part: string, rest: string): string {
  return `${part} / (${part} + ${rest})`;
}

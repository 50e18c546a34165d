import { type AlertCase, FLEET, ofPods, podLabels, tryAlerts } from "../support/alert_cases.ts";

const ABSENT = "Prometheus sees no agent of orders in the namespace shop: no document is processed.";

const CASES: Record<string, AlertCase[]> = {
  PullingAgentAbsent: [
    {
      title: "all pods are gone",
      series: ofPods("pulling_agent_build_info", ["1x10 stale", "1x10 stale"]),
      at: {
        10: [],
        15: [],
        // The second one is absent(), which knows no labels.
        25: [{ labels: FLEET, says: ABSENT }, {
          labels: {},
          says: "Prometheus sees no agent: no document is processed.",
        }],
        // When the six hours are over, absent() goes on.
        390: [{ labels: {}, says: "Prometheus sees no agent: no document is processed." }],
      },
    },
    {
      title: "another Deployment still runs, which silences absent()",
      series: {
        ...ofPods("pulling_agent_build_info", ["1x10 stale"]),
        'pulling_agent_build_info{namespace="shop",job="shop/pulling-agent",app="mails",pod="mails-1"}':
          "1x400",
      },
      at: { 15: [], 25: [{ labels: FLEET, says: ABSENT }], 390: [] },
    },
    {
      title: "a rollout replaces the pods, and scrapes are missed",
      series: ofPods("pulling_agent_build_info", ["1x20 stale", "_x18 1x20 stale _x7 1x40"]),
      at: { 19: [], 25: [], 35: [], 48: [], 60: [] },
    },
    {
      title: "a Job has ended",
      series: {
        ...ofPods("pulling_agent_build_info", ["1x60"]),
        'pulling_agent_build_info{namespace="shop",job="shop/pulling-agent",app="once",app_kubernetes_io_component="job"}':
          "1x10 stale",
      },
      at: { 25: [], 60: [] },
    },
    {
      title: "there has never been an agent, but a Job runs",
      series: {
        'pulling_agent_build_info{namespace="shop",app="once",app_kubernetes_io_component="job"}': "1x60",
      },
      at: { 5: [], 15: [{ labels: {}, says: "Prometheus sees no agent: no document is processed." }] },
    },
  ],

  PullingAgentNoneReady: [
    {
      title: "three agents lose MongoDB",
      series: ofPods("pulling_agent_ready", ["1x30 0x30", "1x30 0x30", "1x30 0x30"]),
      at: {
        30: [],
        36: [],
        40: [{
          labels: FLEET,
          says:
            "All agents of orders in the namespace shop are not ready (they were ready for 0% of the last 5 minutes), and they are not paused.",
        }],
      },
    },
    {
      title: "one of three is not ready",
      series: ofPods("pulling_agent_ready", ["0x60", "1x60", "1x60"]),
      at: { 20: [], 60: [] },
    },
    {
      title: "all are paused, then resumed",
      series: {
        ...ofPods("pulling_agent_ready", ["0x60 1x20", "0x60 1x20"]),
        ...ofPods("pulling_agent_paused", ["1x60 0x20", "1x60 0x20"], ',source="file"'),
        ...ofPods("pulling_agent_paused", ["0x80", "0x80"], ',source="signal"'),
      },
      at: { 20: [], 60: [], 62: [], 70: [] },
    },
    {
      title: "one is paused, and the other cannot claim",
      series: {
        ...ofPods("pulling_agent_ready", ["0x60", "0x60"]),
        ...ofPods("pulling_agent_paused", ["1x60", "0x60"], ',source="signal"'),
      },
      at: {
        4: [],
        20: [{
          labels: FLEET,
          says:
            "All agents of orders in the namespace shop are not ready (they were ready for 0% of the last 5 minutes), and they are not paused.",
        }],
      },
    },
    {
      title: "an election takes two minutes",
      series: ofPods("pulling_agent_ready", ["1x30 0x1 1x30", "1x30 0x1 1x30"]),
      at: { 31: [], 32: [], 33: [], 36: [] },
    },
    {
      title: "pods that are not ready are replaced by others that are not ready, and scrapes are missed",
      series: ofPods("pulling_agent_ready", ["1x20 0x12 stale", "_x30 0x4 stale _x1 0x30"]),
      at: {
        25: [],
        36: [{
          labels: FLEET,
          says:
            "All agents of orders in the namespace shop are not ready (they were ready for 0% of the last 5 minutes), and they are not paused.",
        }],
      },
    },
  ],

  PullingAgentNotReady: [
    {
      title: "one of three",
      series: ofPods("pulling_agent_ready", ["1x20 0x40", "1x60", "1x60"]),
      at: {
        20: [],
        30: [],
        45: [{
          labels: podLabels(1),
          says: "The agent orders-1 was ready for 0% of the last 10 minutes, and it is not paused.",
        }],
      },
    },
    {
      title: "claims succeed and fail in turn",
      series: ofPods("pulling_agent_ready", [
        "1x20 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0",
      ]),
      at: {
        20: [],
        45: [{
          labels: podLabels(1),
          says: "The agent orders-1 was ready for 27.27% of the last 10 minutes, and it is not paused.",
        }],
      },
    },
    {
      title: "paused, and resumed",
      series: {
        ...ofPods("pulling_agent_ready", ["1x20 0x60 1x40"]),
        ...ofPods("pulling_agent_paused", ["0x20 1x60 0x40"], ',source="file"'),
      },
      at: { 45: [], 80: [], 83: [], 90: [] },
    },
    {
      title: "a drain takes five minutes, then the pod is gone",
      series: ofPods("pulling_agent_ready", ["1x20 0x5 stale", "1x60"]),
      at: { 25: [], 28: [], 35: [], 45: [] },
    },
  ],

  PullingAgentDown: [
    {
      title: "a handler blocks the process of one agent",
      series: ofPods("up", ["1x20 0x30", "1x60"]),
      at: {
        25: [],
        35: [{
          labels: podLabels(1),
          says: "The agent orders-1 has answered 0% of the scrapes of the last 10 minutes.",
        }],
      },
    },
    {
      title: "it answers one scrape of four",
      series: ofPods("up", [`1x20 ${"0 0 0 1 ".repeat(8)}`.trim()]),
      at: {
        20: [],
        45: [{
          labels: podLabels(1),
          says: "The agent orders-1 has answered 27.27% of the scrapes of the last 10 minutes.",
        }],
      },
    },
    {
      title: "a pod is gone before it has ever answered",
      series: ofPods("up", ["1x40", "_x20 0x3 stale"]),
      at: { 23: [], 29: [], 35: [] },
    },
    {
      title: "a scrape job of a Prometheus without the operator",
      series: { 'up{job="pulling-agent",instance="10.0.0.1:9464"}': "0x30" },
      at: {
        12: [{
          labels: { job: "pulling-agent", instance: "10.0.0.1:9464" },
          says: "The agent 10.0.0.1:9464 has answered 0% of the scrapes of the last 10 minutes.",
        }],
      },
    },
    {
      title: "the probe restarts it, pods of a rollout are gone, and other targets are down",
      series: {
        ...ofPods("up", ["1x20 0x3 1x40", "1x20 0x1 stale"]),
        'up{job="node-exporter",instance="10.0.0.1:9100"}': "0x60",
      },
      at: { 22: [], 30: [], 60: [] },
    },
  ],

  PullingAgentLoopStuck: [
    {
      title: "no probe restarts it",
      series: ofPods("pulling_agent_loop_stuck", ["0x10 1x20", "0x60"]),
      at: {
        10: [],
        12: [],
        20: [{
          labels: podLabels(1),
          says: "The loop of the agent orders-1 makes no progress, and no liveness probe has restarted it.",
        }],
      },
    },
    {
      title: "the probe restarts it",
      series: ofPods("pulling_agent_loop_stuck", ["0x10 1x1 0x20"]),
      at: { 11: [], 13: [], 20: [] },
    },
  ],
};

await tryAlerts(CASES);

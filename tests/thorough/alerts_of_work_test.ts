import { type AlertCase, FLEET, ofPods, type Series, tryAlerts } from "../support/alert_cases.ts";

const SOURCE = ',database="db",collection="orders"';

/** Restarts of the container of one pod, as kube-state-metrics counts them. */
function restarts(values: string): Series {
  const labels = 'namespace="shop",pod="orders-1",container="pulling-agent",job="kube-state-metrics"';
  return { [`kube_pod_container_status_restarts_total{${labels}}`]: values };
}

/** Start times of the process of one pod, and that it is an agent. */
function starts(values: string): Series {
  return {
    ...ofPods("process_start_time_seconds", [values]),
    ...ofPods("pulling_agent_build_info", ["1x90"]),
  };
}

const lettered = (values: string[]) =>
  ofPods("pulling_agent_settled_total", values, ',outcome="dead_lettered"');
const processed = (values: string[]) => ofPods("pulling_agent_settled_total", values, ',outcome="processed"');
const letters = (documents: number) => [{
  labels: FLEET,
  says: `About ${documents} documents of orders in the namespace shop became dead letters within an hour.`,
}];

const PROCESSOR_DOWN = [{
  labels: FLEET,
  says:
    "Agents of orders in the namespace shop find that their processor fails for one document after the other, and none has processed any: documents wait until it works again.",
}];

await tryAlerts({
  PullingAgentRestarting: [
    {
      title: "kube-state-metrics counts four, and the start times as well: one alert",
      series: { ...restarts("0x20 1x5 2x5 3x5 4x60"), ...starts("100x20 200x5 300x5 400x5 500x55") },
      at: {
        34: [],
        45: [{
          labels: { namespace: "shop", pod: "orders-1" },
          says: "The agent orders-1 has restarted 4 times within an hour.",
        }] satisfies AlertCase["at"][number],
      },
    },
    {
      title: "three in an hour, and many long ago",
      series: restarts("9x20 10x5 11x5 12x60"),
      at: { 20: [], 40: [], 70: [], 90: [] },
    },
    {
      title: "without kube-state-metrics",
      series: starts("100x20 200x5 300x5 400x5 500x55"),
      at: {
        34: [],
        45: [{
          labels: { namespace: "shop", pod: "orders-1", instance: "10.0.0.1:9464" },
          says: "The agent orders-1 has restarted 4 times within an hour.",
        }],
      },
    },
    {
      title: "a rollout of five pods, and another program that restarts",
      series: {
        ...ofPods("process_start_time_seconds", [
          "100x20 stale",
          "_x20 200x9 stale",
          "_x25 300x9 stale",
          "_x30 400x9 stale",
          "_x35 500x30",
        ]),
        ...ofPods("pulling_agent_build_info", ["1x90", "1x90", "1x90", "1x90", "1x90"]),
        'process_start_time_seconds{job="other",instance="10.0.0.9:80"}': "1x5 2x5 3x5 4x5 5x5 6x60",
      },
      at: { 30: [], 45: [], 60: [] },
    },
  ],

  PullingAgentDeadLettersGrowing: [
    {
      title: "the first letter of an agent that shows its counters from the start",
      series: lettered(["0x20 1x80", "0x100"]),
      at: { 20: [], 22: letters(1), 60: letters(1), 90: [] },
    },
    {
      title: "the pod is gone after its last letter",
      series: lettered(["0x20 3x2 stale"]),
      at: { 20: [], 30: letters(3), 100: [] },
    },
    {
      title: "letters before the first scrape are seen by the gauge alone",
      series: {
        ...lettered(["_x90 7x60"]),
        ...ofPods("pulling_agent_dead_letters", ["5x90 12x60", "5x90 12x60"], SOURCE),
      },
      at: { 89: [], 100: letters(7), 153: [] },
    },
    {
      title: "a restart sets the counter to zero, and old letters stay",
      series: {
        ...lettered(["40x20 0x80"]),
        ...ofPods("pulling_agent_dead_letters", ["40x100", "40x100"], SOURCE),
      },
      at: { 25: [], 70: [], 95: [] },
    },
    {
      title: "a redrive removes letters, and some of them come again",
      series: {
        ...lettered(["40x70 45x20"]),
        ...ofPods("pulling_agent_dead_letters", ["40x65 0x5 5x20"], SOURCE),
      },
      at: { 68: [], 75: letters(5) },
    },
    {
      title: "MongoDB is out of reach, so that the gauge is missing for a while",
      series: ofPods("pulling_agent_dead_letters", ["40x70 stale _x30 40x50"], SOURCE),
      at: { 75: [], 101: [], 140: [] },
    },
  ],

  PullingAgentAttemptsFailing: [
    {
      title: "three of ten attempts",
      series: {
        ...ofPods("pulling_agent_attempts_failed_total", ["0+3x60", "0+3x60"]),
        ...processed(["0+7x60", "0+7x60"]),
      },
      at: {
        5: [],
        30: [{
          labels: FLEET,
          says: "30% of the attempts of orders in the namespace shop failed within 15 minutes.",
        }],
      },
    },
    {
      title: "one of ten attempts",
      series: {
        ...ofPods("pulling_agent_attempts_failed_total", ["0+1x60"]),
        ...processed(["0+9x60"]),
      },
      at: { 30: [], 60: [] },
    },
    {
      title: "few documents, and all fail",
      series: { ...ofPods("pulling_agent_attempts_failed_total", ["0x10 3x60"]), ...processed(["0x70"]) },
      at: { 20: [], 40: [] },
    },
    {
      title: "nothing to do, and a restart after many failures",
      series: {
        ...ofPods("pulling_agent_attempts_failed_total", ["900x10 0x60", "0x70"]),
        ...processed(["900x10 0x60", "0x70"]),
      },
      at: { 9: [], 20: [], 40: [] },
    },
    {
      title: "all attempts fail, and the pods are replaced meanwhile",
      series: {
        ...ofPods("pulling_agent_attempts_failed_total", ["0+20x10 stale", "_x8 0+20x40"]),
        ...processed(["0x10 stale", "_x8 0x40"]),
      },
      at: {
        20: [{
          labels: FLEET,
          says: "100% of the attempts of orders in the namespace shop failed within 15 minutes.",
        }],
      },
    },
  ],

  PullingAgentLeasesLost: [
    {
      title: "a throttled pod loses some again and again",
      series: ofPods("pulling_agent_leases_lost_total", ["0x10 4x5 8x5 12x40", "0x60"]),
      at: {
        10: [],
        30: [{
          labels: FLEET,
          says:
            "Agents of orders in the namespace shop lost about 12 leases within 30 minutes: these documents run twice.",
        }],
        60: [],
      },
    },
    {
      title: "a node stood still once, and a counter starts again",
      series: ofPods("pulling_agent_leases_lost_total", ["0x10 3x50", "50x20 0x40"]),
      at: { 20: [], 30: [], 45: [] },
    },
  ],

  PullingAgentProcessorDown: [
    {
      title: "the service is down for both agents; one was restarted meanwhile",
      series: {
        ...ofPods("pulling_agent_breaker_open", ["0x5 1x60 0x20", "0x5 1x20 stale", "_x30 0x1 1x30 0x20"]),
        ...processed(["0+60x4 240x61 240+60x20", "0+60x4 240x21 stale", "_x30 0x31 0+60x20"]),
      },
      at: { 5: [], 12: [], 18: PROCESSOR_DOWN, 80: [] },
    },
    {
      title: "one agent stands by and gets no document; what waits is not known",
      series: {
        ...ofPods("pulling_agent_breaker_open", ["0x5 1x60", "0x65"]),
        ...processed(["0+60x4 240x61", "0x65"]),
      },
      at: { 5: [], 12: [], 18: PROCESSOR_DOWN, 60: PROCESSOR_DOWN },
    },
    {
      title: "after a while no document is left to try, and then one comes",
      series: {
        ...ofPods("pulling_agent_breaker_open", ["0x5 1x120", "0x5 1x120"]),
        ...processed(["240x125", "240x125"]),
        ...ofPods("pulling_agent_claimable_documents", ["9x30 0x60 1x35", "9x30 0x60 1x35"], SOURCE),
      },
      at: { 18: PROCESSOR_DOWN, 40: PROCESSOR_DOWN, 50: [], 90: [], 100: PROCESSOR_DOWN },
    },
    {
      title: "one agent meets bad documents and another processes; both fail for a rollout of the service",
      series: {
        ...ofPods("pulling_agent_breaker_open", ["0x5 1x90", "0x30 1x6 0x60"]),
        ...processed(["0x95", "0+60x29 1740x7 1740+60x59"]),
      },
      at: { 30: [], 37: [], 45: [], 90: [] },
    },
    {
      title: "the breaker opens and closes again and again",
      series: ofPods("pulling_agent_breaker_open", ["0x5 1 1 0 1 1 0 1 1 0 1 1 0 1 1 0 1 1 0x30"]),
      at: { 10: [], 20: [], 30: [] },
    },
  ],

  PullingAgentPausedTooLong: [
    {
      title: "forgotten, on one of three, with a rollout meanwhile",
      series: {
        ...ofPods("pulling_agent_paused", ["0x10 1x90 stale", "0x300", "_x98 1x200"], ',source="file"'),
        ...ofPods("pulling_agent_paused", ["0x300", "0x300", "_x98 0x200"], ',source="signal"'),
      },
      at: {
        100: [],
        185: [],
        195: [{
          labels: FLEET,
          says: "At least one agent of orders in the namespace shop has been paused for more than 3 hours.",
        }],
      },
    },
    {
      title: "two hours, as the schedule plans it",
      series: ofPods("pulling_agent_paused", ["0x10 1x120 0x100"], ',source="file"'),
      at: { 100: [], 130: [], 200: [], 230: [] },
    },
    {
      title: "paused pods are gone",
      series: ofPods("pulling_agent_paused", ["1x60 stale"], ',source="file"'),
      at: { 60: [], 200: [] },
    },
  ],
});

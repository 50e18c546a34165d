import { type AlertCase, FLEET, ofPods, type Series, tryAlerts } from "../support/alert_cases.ts";

const SOURCE = ',database="db",collection="orders"';
const TOO_OLD = {
  labels: { ...FLEET, database: "db", collection: "orders" },
  says: "The oldest document in db.orders that could be claimed has waited for 30m 0s.",
};

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

  PullingAgentOldestTooOld: [
    {
      title: "three agents report the same backlog: one alert",
      series: ofPods("pulling_agent_oldest_claimable_seconds", ["1800x20", "1795x20", "1740x20"], SOURCE),
      at: { 4: [], 10: [TOO_OLD] },
    },
    {
      title: "one of three is paused, and scrapes are missed",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["1800x3 stale 1800 1800 stale 1800x20"], SOURCE),
        ...ofPods("pulling_agent_paused", ["1x30", "0x30", "0x30"], ',source="signal"'),
      },
      at: { 4: [], 8: [TOO_OLD], 20: [TOO_OLD] },
    },
    {
      title: "all are paused",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["1800x20", "1800x20"], SOURCE),
        ...ofPods("pulling_agent_paused", ["1x30", "1x30"], ',source="signal"'),
        ...ofPods("pulling_agent_paused", ["0x30", "0x30"], ',source="file"'),
      },
      at: { 10: [], 20: [] },
    },
    {
      title: "leases of a killed pod expire, an agent reads nothing, and a pod with an old value is gone",
      series: ofPods("pulling_agent_oldest_claimable_seconds", [
        "0x5 60x1 0x20",
        "1800x1 stale",
        "0x5 _x20",
      ], SOURCE),
      at: { 6: [], 10: [], 20: [] },
    },
  ],

  PullingAgentNothingClaimed: [
    {
      title: "agents are ready and claim nothing, and one of them is paused",
      series: {
        ...ofPods("pulling_agent_claimable_documents", ["0x5 40x60", "0x5 38x60"], SOURCE),
        ...ofPods("pulling_agent_claimed_total", ["7x65", "0x65"]),
        ...ofPods("pulling_agent_paused", ["0x65", "1x65"], ',source="file"'),
      },
      at: {
        15: [],
        25: [],
        40: [{
          labels: { ...FLEET, database: "db", collection: "orders" },
          says:
            "40 documents or more in db.orders could be claimed, and agents of orders in the namespace shop have claimed none for 15 minutes.",
        }],
      },
    },
    {
      title: "a backlog that one agent works on, and one that comes and goes",
      series: {
        ...ofPods("pulling_agent_claimable_documents", ["9000x65", "9000x65"], SOURCE),
        ...ofPods("pulling_agent_claimed_total", ["0+1x65", "5x65"]),
        'pulling_agent_claimable_documents{namespace="shop",app="mails",database="db",collection="mails"}':
          "5x10 0x1 5x10 0x1 5x10 0x1 5x30",
        'pulling_agent_claimed_total{namespace="shop",app="mails"}': "0+9x40 360x25",
      },
      at: { 30: [], 40: [], 50: [] },
    },
    {
      title: "all are paused, and resumed",
      series: {
        ...ofPods("pulling_agent_claimable_documents", ["40x60 0x20"], SOURCE),
        ...ofPods("pulling_agent_claimed_total", ["0x60 40x20"]),
        ...ofPods("pulling_agent_paused", ["1x60 0x20"], ',source="file"'),
      },
      at: { 40: [], 60: [], 62: [], 75: [] },
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

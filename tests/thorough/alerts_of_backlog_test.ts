import { FLEET, ofPods, tryAlerts } from "../support/alert_cases.ts";

const SOURCE = ',database="db",collection="orders"';
const TOO_OLD = {
  labels: { ...FLEET, database: "db", collection: "orders" },
  says: "The oldest document in db.orders that could be claimed has waited for 30m 0s.",
};

await tryAlerts({
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
      title: "some agents run, and documents have waited for longer than they have looked",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["0x3 960+60x30", "0x3 960+60x30"], SOURCE),
        ...ofPods("pulling_agent_claimable_documents", ["0x3 7x30", "0x3 7x30"], SOURCE),
      },
      at: { 10: [], 17: [], 26: [{ ...TOO_OLD, says: TOO_OLD.says.replace("30m 0s", "38m 0s") }] },
    },
    {
      title: "documents become pending long after they were inserted, and are claimed at once",
      series: {
        ...ofPods(
          "pulling_agent_oldest_claimable_seconds",
          ["0 90000x9 0 90000x9 0 90000x9 0 90000x9"],
          SOURCE,
        ),
        ...ofPods("pulling_agent_claimable_documents", ["0 2x9 0 2x9 0 2x9 0 2x9"], SOURCE),
      },
      at: { 8: [], 18: [], 28: [], 36: [] },
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

  PullingAgentBacklogNotCounted: [
    {
      title: "the agents show what one of them has counted, and then none counts any more",
      series: ofPods(
        "pulling_agent_backlog_counted_timestamp_seconds",
        ["0+60x30 1800x40", "0+60x30 1770x40", "_x20 1200x50"],
        SOURCE,
      ),
      at: {
        30: [],
        45: [],
        60: [{
          labels: { ...FLEET, database: "db", collection: "orders" },
          says:
            "The documents that wait in db.orders were counted 30m 0s ago: no agent of orders in the namespace shop knows how many there are.",
        }],
      },
    },
    {
      title: "each count takes the server so long that the agent rests for nine minutes, and others miss it",
      series: ofPods(
        "pulling_agent_backlog_counted_timestamp_seconds",
        ["0x9 600x9 1200x9 1800x9 2400x9 3000x9", "0x40"],
        SOURCE,
      ),
      at: { 19: [], 29: [], 39: [], 49: [], 59: [] },
    },
    {
      title: "agents have begun and not counted, scrapes are missed, and then one counts",
      series: ofPods(
        "pulling_agent_backlog_counted_timestamp_seconds",
        ["0x60", "0x3 stale _x6 600+60x50"],
        SOURCE,
      ),
      at: { 8: [], 20: [], 50: [] },
    },
    {
      title: "none has counted, and each pod is replaced after a few minutes",
      // The clock of these cases begins in 1970: the 0 that an agent shows is half a century before today.
      series: ofPods(
        "pulling_agent_backlog_counted_timestamp_seconds",
        ["-1800000000x5 stale", "_x7 -1800000000x5 stale", "_x15 -1800000000x5 stale"],
        SOURCE,
      ),
      at: {
        10: [],
        20: [{
          labels: { ...FLEET, database: "db", collection: "orders" },
          says:
            "The documents that wait in db.orders were not counted since the agents began: no agent of orders in the namespace shop knows how many there are.",
        }],
      },
    },
  ],

  PullingAgentRateLimited: [
    {
      title: "one agent is held back, and another one stands by",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["0+60x60", "0+60x60"], SOURCE),
        ...ofPods("pulling_agent_rate_limited_seconds_total", ["0+58x60", "0+0x60"]),
      },
      at: {
        15: [],
        30: [{
          labels: { ...FLEET, database: "db", collection: "orders" },
          says:
            "The oldest document in db.orders that could be claimed has waited for 30m 0s, and RATE_LIMIT holds agents of orders in the namespace shop back.",
        }],
      },
    },
    {
      title: "documents wait because handlers are slow, there is a limit that is met at times, or none",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["1800x60", "1800x60"], SOURCE),
        ...ofPods("pulling_agent_rate_limited_seconds_total", ["0+20x60", "0+0x60"]),
      },
      at: { 30: [], 50: [] },
    },
    {
      title: "agents are held back, and documents wait for minutes",
      series: {
        ...ofPods("pulling_agent_oldest_claimable_seconds", ["300x60", "300x60"], SOURCE),
        ...ofPods("pulling_agent_rate_limited_seconds_total", ["0+60x60", "0+60x60"]),
      },
      at: { 30: [], 50: [] },
    },
  ],

  PullingAgentNothingClaimed: [
    {
      title: "three documents an hour are let through",
      series: {
        ...ofPods("pulling_agent_claimable_documents", ["40x65"], SOURCE),
        ...ofPods("pulling_agent_claimed_total", ["0x20 1x20 2x20"]),
        ...ofPods("pulling_agent_rate_limited_seconds_total", ["0+59x65"]),
      },
      at: { 38: [], 58: [] },
    },
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

  PullingAgentLeftAlone: [
    {
      title: "two agents have seen them",
      series: ofPods("pulling_agent_left_alone_documents", ["0x5 3x60", "0x5 2x60"]),
      at: {
        15: [],
        28: [],
        40: [{
          labels: FLEET,
          says: "3 documents or more of orders in the namespace shop wait, and no claim can take them.",
        }],
      },
    },
    {
      title: "they are mended within minutes",
      series: ofPods("pulling_agent_left_alone_documents", ["0x5 3x12 0x40"]),
      at: { 10: [], 18: [], 30: [] },
    },
  ],
});

import { table } from "../scripts/markdown_table.ts";
import { type Fleet, type FleetLoad, fleetLoad } from "./fleet_load.ts";
import { number } from "./numbers.ts";

/** What `docs/scaling.json` holds: fleets that were measured. */
export interface Scaling {
  readonly conditions: Readonly<Record<string, string>>;
  readonly fleets: readonly MeasuredFleet[];
}

/** A fleet whose load was measured. */
interface MeasuredFleet {
  readonly what: string;
  readonly fleet: Fleet;
  /** `serverCpu` in cores. */
  readonly measured: FleetLoad & { readonly serverCpu: number };
}

/** Fleets that no one machine here can hold. */
const RECKONED: readonly Omit<MeasuredFleet, "measured">[] = [
  { what: "idle", fleet: { agents: 1000, pollSeconds: 5, batch: 100, documentsPerSecond: 0 } },
  {
    what: "idle, `POLL_INTERVAL=30`",
    fleet: { agents: 1000, pollSeconds: 30, batch: 100, documentsPerSecond: 0 },
  },
  {
    what: "1,000 documents a second, one at a time",
    fleet: { agents: 1000, pollSeconds: 5, batch: 1, documentsPerSecond: 1000 },
  },
  {
    what: "10,000 documents a second, 20 at a time",
    fleet: { agents: 1000, pollSeconds: 5, batch: 20, documentsPerSecond: 10_000 },
  },
];

/** The tables of fleets: what was measured beside what is reckoned, and the rest. */
export function fleetTable({ conditions, fleets }: Scaling): string {
  const head = [
    "Agents",
    "What they do",
    "Commands a second",
    "Heartbeats a second",
    "Connections",
    "Server CPU",
  ];
  const rows = [
    ...fleets.map(({ fleet, measured, what }) => {
      const load = fleetLoad(fleet);
      const both = (of: keyof FleetLoad) => `${number(measured[of])} (reckoned ${number(load[of])})`;
      return [
        number(fleet.agents),
        what,
        both("commandsPerSecond"),
        both("heartbeatsPerSecond"),
        both("connections"),
        `${measured.serverCpu.toFixed(2)} cores`,
      ];
    }),
    ...RECKONED.map(({ fleet, what }) => {
      const { commandsPerSecond, connections, heartbeatsPerSecond } = fleetLoad(fleet);
      return [
        number(fleet.agents),
        what,
        `reckoned ${number(commandsPerSecond)}`,
        `reckoned ${number(heartbeatsPerSecond)}`,
        `reckoned ${number(connections)}`,
        "",
      ];
    }),
  ];
  const measuredOn = Object.entries(conditions).map(([name, value]) => `${name}: ${value}`).join("; ");
  return `${table(head, rows)}\n\nMeasured with 50 processes. ${measuredOn}.`;
}

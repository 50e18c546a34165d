/**
 * Rows that end or stop agents, move the primary or cut it off, or set clocks, with ranges.
 *
 * @module
 */

import { replicasWith, type Row } from "../row.ts";
import { MACHINE_ROWS } from "./machine_rows.ts";
import { MEMBER_ROWS } from "./member_rows.ts";
import { NETWORK_ROWS } from "./network_rows.ts";
import { REPLICA_ROWS } from "./replica_rows.ts";

const DISTURBED = [
  ...["kill-agents", "freeze-agents", "sigterm-backlog"],
  ...["step-down", "partition-primary", "clocks"],
];

export const RANGE_ROWS: readonly Row[] = [...REPLICA_ROWS, ...MEMBER_ROWS, ...NETWORK_ROWS, ...MACHINE_ROWS]
  .filter(({ name }) => DISTURBED.includes(name))
  .map((row) => ({
    ...row,
    name: `range-${row.name}`,
    what: `${row.what}, with \`CLAIM_MODE=range\``,
    places: (context) => {
      const places = row.places(context);
      return replicasWith((at) => ({ ...places[at]!, env: { ...places[at]!.env, CLAIM_MODE: "range" } }));
    },
  }));

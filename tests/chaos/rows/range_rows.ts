/**
 * The rows of {@linkcode REPLICA_ROWS} that end or stop agents, with ranges.
 *
 * @module
 */

import { replicasWith, type Row } from "../row.ts";
import { REPLICA_ROWS } from "./replica_rows.ts";

const DISTURBED = ["kill-agents", "freeze-agents", "sigterm-backlog"];

export const RANGE_ROWS: readonly Row[] = REPLICA_ROWS.filter(({ name }) => DISTURBED.includes(name))
  .map((row) => ({
    ...row,
    name: `range-${row.name}`,
    what: `${row.what}, with \`CLAIM_MODE=range\``,
    places: (context) => {
      const places = row.places(context);
      return replicasWith((at) => ({ ...places[at]!, env: { ...places[at]!.env, CLAIM_MODE: "range" } }));
    },
  }));

import type { Row } from "./row.ts";
import { MACHINE_ROWS } from "./rows/machine_rows.ts";
import { MEMBER_ROWS } from "./rows/member_rows.ts";
import { NETWORK_ROWS } from "./rows/network_rows.ts";
import { RANGE_ROWS } from "./rows/range_rows.ts";
import { REPLICA_ROWS } from "./rows/replica_rows.ts";

/** All rows of the chaos, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...REPLICA_ROWS,
  ...RANGE_ROWS,
  ...MEMBER_ROWS,
  ...NETWORK_ROWS,
  ...MACHINE_ROWS,
];

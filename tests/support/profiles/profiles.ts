/**
 * The compatible servers that tests stand in for, each by what it is known to do.
 *
 * @module
 */

import { AMAZON_5, AMAZON_8 } from "./amazon.ts";
import { AMAZON_ELASTIC } from "./amazon_elastic.ts";
import { AZURE, DOCUMENTDB_OSS } from "./documentdb.ts";
import { FERRETDB_1, FERRETDB_2 } from "./ferretdb.ts";
import type { Profile } from "./profile.ts";
import { SHARDED_6 } from "./sharded.ts";

/** Servers that the agent works with. */
export const SUPPORTED: readonly Profile[] = [
  AMAZON_5,
  AMAZON_8,
  DOCUMENTDB_OSS,
  AZURE,
  FERRETDB_2,
  SHARDED_6,
];

/** Servers that the agent refuses. */
export const UNSUPPORTED: readonly Profile[] = [AMAZON_ELASTIC, FERRETDB_1];

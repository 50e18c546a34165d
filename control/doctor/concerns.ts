import type { Concern } from "./concern.ts";
import { clocks } from "./concerns/clocks.ts";
import { collection } from "./concerns/collection.ts";
import { connection } from "./concerns/connection.ts";
import { files } from "./concerns/files.ts";
import { fleet } from "./concerns/fleet.ts";
import { indexes } from "./concerns/indexes.ts";
import { lease } from "./concerns/lease.ts";
import { plans } from "./concerns/plans.ts";
import { pod } from "./concerns/pod.ts";
import { retention } from "./concerns/retention.ts";
import { rights } from "./concerns/rights.ts";
import { server } from "./concerns/server.ts";
import { settings } from "./concerns/settings.ts";
import { shards } from "./concerns/shards.ts";
import { sizes } from "./concerns/sizes.ts";
import { tls } from "./concerns/tls.ts";
import { uniqueIndex } from "./concerns/unique_index.ts";
import { validator } from "./concerns/validator.ts";

/** All that the doctor looks at, in the order of its report. */
export const CONCERNS: readonly Concern[] = [
  settings,
  lease,
  files,
  pod,
  connection,
  tls,
  server,
  clocks,
  rights,
  fleet,
  collection,
  indexes,
  plans,
  shards,
  retention,
  uniqueIndex,
  validator,
  sizes,
];

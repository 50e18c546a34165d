/**
 * The lanes of the tests: the files that each runs, and how the files are spread over processes that run at the same
 * time.
 *
 * @module
 */

import { existsSync, walkSync } from "@std/fs";

/**
 * `unit` needs no build and no MongoDB and takes seconds; `test` is what a change has to pass; `all` adds what takes long:
 * images, a soak, the benchmark, builds from two clones.
 */
export type Lane = "unit" | "test" | "all";

/** Test files that one process of `deno test` runs. */
export interface Batch {
  name: string;
  /** Paths from the root of the project. */
  files: string[];
  /** More options of `deno test`. */
  options: string[];
  /** The number of modules into which the files are put together, if they are: a module per file costs twice the CPU time. */
  modules?: number;
  /** How many files or modules run at the same time, with `--parallel`; without it as many as there are cores. */
  jobs?: number;
  /** Whether the tests use the executable and the MongoDB servers. */
  needsServers: boolean;
}

/** The folders of each lane. */
const FOLDERS: Record<Lane, readonly string[]> = {
  unit: ["tests/unit"],
  test: ["tests/unit", "tests/models", "tests/contract", "tests/integration", "tests/e2e", "tests/browser"],
  all: [
    "tests/unit",
    "tests/models",
    "tests/contract",
    "tests/integration",
    "tests/e2e",
    "tests/browser",
    "tests/thorough",
  ],
};

/** Environment variables of each lane, unless they are set already. */
export const VARIABLES: Record<Lane, Readonly<Record<string, string>>> = {
  unit: {},
  test: {},
  all: { FUZZ_SECONDS: "60", TEST_ROUNDS: "8" },
};

/** Folders whose tests only compute and use files: one process runs all tests of a folder on all cores. */
const WITHOUT_SERVERS: readonly string[] = ["tests/unit", "tests/models"];

/** The files of these folders are small and many: they share the memory of a few modules. */
const MERGED: readonly string[] = ["tests/unit"];
/** So many modules, all at the same time: while three of four wait, a core computes. Exported for the test. */
export const MODULES = 4 * navigator.hardwareConcurrency;

/** Files of these folders that wait or compute for half a second or more, the longest first: each module gets its share. */
const LONG_IN_MERGED: readonly string[] = [
  "tests/unit/health/health_dir_test.ts",
  "tests/unit/health/health_reporter_test.ts",
  "tests/unit/control/otlp/faults_test.ts",
  "tests/unit/control/control_file_test.ts",
  "tests/unit/agent/claiming/auto_batch_size_test.ts",
  "tests/unit/agent/agent_breaker_test.ts",
  "tests/unit/agent/processors/http/http_settings_test.ts",
  "tests/unit/health/health_files_test.ts",
  "tests/unit/agent/errors_test.ts",
  "tests/unit/control/metrics/metrics_server_test.ts",
  "tests/unit/agent/settling/result_capacity_test.ts",
  "tests/unit/agent/processors/http/http_authority_test.ts",
  "tests/unit/agent/processors/exit_guard_test.ts",
  "tests/unit/agent/rate_limit_test.ts",
  "tests/unit/health/file_lock_test.ts",
  "tests/unit/agent/processors/http/http_faults_test.ts",
  "tests/unit/agent/processors/exact_copy_test.ts",
  "tests/unit/agent/processors/load_processor_test.ts",
  "tests/unit/witness/good_runs_test.ts",
  "tests/unit/agent/text/redact_test.ts",
  "tests/unit/agent/telemetry/line_queue_test.ts",
];

/** Folders with examples in their doc comments. */
const WITH_EXAMPLES: readonly string[] = ["agent", "control", "health", "models", "scripts"];

/**
 * Files that compute hardly anything and wait: for a limit of a minute, for timeouts of the driver or of a script. One
 * process runs them, several at a time, because a track of its own for each would leave a core idle. They share the
 * servers, so they set no fail point. Those that take longest come first.
 */
const WAITING_FILES: readonly string[] = [
  "tests/e2e/missing_rights_test.ts",
  "tests/e2e/gives_up_test.ts",
  "tests/e2e/effects_standalone_test.ts",
  "tests/browser/dashboard_trouble_test.ts",
  "tests/integration/doubtful_refusals_test.ts",
  "tests/integration/doctor_servers_test.ts",
  "tests/e2e/rotation_test.ts",
  "tests/e2e/tls_test.ts",
  "tests/e2e/ending_certificates_test.ts",
  "tests/integration/tls_test.ts",
  "tests/e2e/auto_batch_size_test.ts",
  "tests/e2e/unreachable_test.ts",
  "tests/e2e/outage_test.ts",
  "tests/e2e/on_dead_letter_test.ts",
  "tests/integration/outages_test.ts",
  "tests/thorough/mode_end_test.ts",
  "tests/thorough/control_script_hang_test.ts",
  "tests/thorough/no_majority_test.ts",
  "tests/thorough/doubtful_refusals_test.ts",
  "tests/thorough/believed_test.ts",
  "tests/thorough/outage_lines_test.ts",
];
const WAITING_AT_ONCE = 5;

/**
 * The other files that take longest, in this order. Each has a process of its own and begins early, so that the end does not
 * wait for one of them alone.
 */
const LONG_FILES: readonly string[] = [
  "tests/thorough/chaos_test.ts",
  "tests/thorough/soak_test.ts",
  "tests/thorough/random_kills_test.ts",
  "tests/thorough/effect_kills_test.ts",
  "tests/thorough/kills_test.ts",
  "tests/thorough/bench_test.ts",
  "tests/thorough/rate_limit_test.ts",
  "tests/thorough/image_screens_test.ts",
  "tests/thorough/image_test.ts",
  "tests/thorough/order_images_test.ts",
  "tests/thorough/reproducible_build_test.ts",
  "tests/thorough/bad_programs_test.ts",
  "tests/thorough/stuck_log_test.ts",
  "tests/thorough/checkpoint_kills_test.ts",
  "tests/thorough/command_faults_test.ts",
  "tests/thorough/lost_output_test.ts",
  "tests/thorough/memory_test.ts",
  "tests/thorough/poison_test.ts",
  "tests/thorough/result_bytes_test.ts",
  "tests/thorough/changed_builtins_test.ts",
  "tests/thorough/compatible_servers_test.ts",
  "tests/thorough/rotation_test.ts",
  "tests/thorough/why_states_test.ts",
  "tests/thorough/fleet_test.ts",
  "tests/browser/dashboard_walk_test.ts",
  "tests/integration/dashboard_plans_test.ts",
  "tests/integration/dev_dashboard_test.ts",
  "tests/e2e/fleet_pause_test.ts",
  "tests/e2e/shutdown_test.ts",
  "tests/e2e/short_lease_test.ts",
  "tests/e2e/poison_test.ts",
  "tests/contract/mongo_store_test.ts",
  "tests/browser/dashboard_test.ts",
  "tests/e2e/cancel_test.ts",
  "tests/e2e/control_script_test.ts",
  "tests/browser/dashboard_view_test.ts",
  "tests/e2e/random_kills_test.ts",
  "tests/e2e/rate_limit_test.ts",
  "tests/e2e/effects_test.ts",
  "tests/e2e/checkpoints_test.ts",
  "tests/e2e/witness_test.ts",
  "tests/integration/effect_faults_test.ts",
  "tests/integration/slow_effects_test.ts",
  "tests/integration/locked_documents_test.ts",
  "tests/integration/compatible_servers_test.ts",
  "tests/e2e/lost_output_test.ts",
  "tests/e2e/dead_letters_test.ts",
  "tests/e2e/fuzz_test.ts",
  "tests/integration/why_agrees_test.ts",
  "tests/integration/refused_commands_test.ts",
  "tests/integration/doctor_test.ts",
  "tests/integration/doctor_collections_test.ts",
  "tests/e2e/dashboard_test.ts",
];

/**
 * How many of the other files share a process, and a module, which loads the driver once: a process costs 0.3 s of CPU, a module
 * of its own 0.2 s for each file.
 */
const FILES_PER_BATCH = 8;

/**
 * The batches of a lane, in the order in which they should begin.
 *
 * @throws {Error} when a file of the lists is missing
 */
export function batchesOf(lane: Lane, root: string): Batch[] {
  for (const file of [...WAITING_FILES, ...LONG_FILES, ...LONG_IN_MERGED]) {
    if (!existsSync(`${root}/${file}`)) {
      throw new Error(`scripts/lanes.ts names ${file}, which is not there: correct its lists`);
    }
  }
  const files = testFiles(FOLDERS[lane], root);
  return spread(files, { waiting: WAITING_FILES, long: LONG_FILES }).concat(examples(root));
}

/** Spreads test files over batches, those with servers first. Exported for its test. */
export function spread(files: readonly string[], known: KnownFiles = {}): Batch[] {
  const [waiting, long] = [known.waiting ?? [], known.long ?? []].map((list) =>
    list.filter((file) => files.includes(file))
  ) as [string[], string[]];
  const batches = long.map((file) => batch(file, [file]));
  if (waiting.length > 0) {
    batches.unshift({ ...batch("tests that wait", waiting), options: ["--parallel"], jobs: WAITING_AT_ONCE });
  }
  const rest = files.filter((file) => !waiting.includes(file) && !long.includes(file));
  for (const folder of new Set(rest.map(folderOf))) {
    const inFolder = rest.filter((file) => folderOf(file) === folder);
    if (WITHOUT_SERVERS.includes(folder)) {
      const merged = MERGED.includes(folder) && { modules: MODULES, jobs: MODULES };
      const first = LONG_IN_MERGED.filter((file) => inFolder.includes(file));
      const ordered = [...new Set([...first, ...inFolder])];
      batches.push({ ...batch(folder, ordered), options: ["--parallel"], needsServers: false, ...merged });
      continue;
    }
    const count = Math.ceil(inFolder.length / FILES_PER_BATCH);
    for (let part = 0; part < count; part++) {
      const shared = inFolder.filter((_, at) => at % count === part);
      batches.push({ ...batch(`${folder}, part ${part + 1} of ${count}`, shared), modules: 1 });
    }
  }
  return batches.sort((one, other) => Number(other.needsServers) - Number(one.needsServers));
}

/** Files that are not like the others: see the lists of the same names. */
interface KnownFiles {
  waiting?: readonly string[];
  long?: readonly string[];
}

function batch(name: string, files: string[]): Batch {
  return { name, files, options: [], needsServers: true };
}

function folderOf(file: string): string {
  return file.split("/").slice(0, 2).join("/");
}

// Hundreds of files: the same calls one after the other with promises take 0.2 s of CPU, which is felt in the lane of seconds.
function testFiles(folders: readonly string[], root: string): string[] {
  const found: string[] = [];
  for (const folder of folders) {
    if (!existsSync(`${root}/${folder}`)) continue;
    for (const { path } of walkSync(`${root}/${folder}`, { includeDirs: false, match: [/_test\.ts$/] })) {
      found.push(path.slice(root.length + 1));
    }
  }
  return found.sort();
}

/** The examples of the doc comments, each of which is a test. */
function examples(root: string): Batch {
  const files: string[] = [];
  for (const folder of WITH_EXAMPLES) {
    for (const { path } of walkSync(`${root}/${folder}`, { includeDirs: false, exts: [".ts"] })) {
      if (/^ *\* @example$/m.test(Deno.readTextFileSync(path))) files.push(path.slice(root.length + 1));
    }
  }
  return { name: "examples of doc comments", files, options: ["--doc"], needsServers: false };
}

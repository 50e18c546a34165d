import type { ReplicasResult } from "./measures/replicas.ts";
import type { Figures } from "./report.ts";
import type { Throughput } from "./throughput.ts";

/** Documents per second; undefined if that was not measured. */
type Rate = (figures: Partial<Figures>) => number | undefined;

/** A goal for two rates of one run: ratios carry over to other machines, rates do not. */
export interface Ratio {
  readonly what: string;
  readonly rate: Rate;
  readonly of: Rate;
  readonly least: number;
}

const LOOPS = /^loop-/;
const LIBRARIES = /^(agenda|mongodb-queue|mongo-jobs)$/;
const LIMITS = /^limit-/;
const FIXED = /^agent-(?!auto)/;
const FIXED_RANGES = /^range-\d/;

/** All of them, in the order of their table. */
export const RATIOS: readonly Ratio[] = [
  {
    what: "At its best at least 0.85 of the limit",
    rate: fastest(/^agent-best$/),
    of: fastest(LIMITS),
    least: 0.85,
  },
  {
    what: "At its best at least 20 times the hand-written loop",
    rate: fastest(/^agent-best$/),
    of: fastest(LOOPS),
    least: 20,
  },
  {
    what: "At default settings at least 10 times the hand-written loop",
    rate: fastest(/^agent-default$/),
    of: fastest(LOOPS),
    least: 10,
  },
  {
    what: "At default settings at least 18 times every MongoDB library",
    rate: fastest(/^agent-default$/),
    of: fastest(LIBRARIES),
    least: 18,
  },
  {
    what: "BATCH_SIZE=auto at least 0.9 of the best fixed size",
    rate: fastest(/^agent-auto$/),
    of: fastest(FIXED),
    least: 0.9,
  },
  {
    what: "In range mode at its best at least 0.7 of the limit of range claims at the same batch",
    rate: fastest(FIXED_RANGES),
    of: limitAtBestBatch,
    least: 0.7,
  },
  {
    what: "In range mode 40,000 documents/s where the limit of range claims does 62,000 at batch 1000",
    rate: fastest(FIXED_RANGES),
    of: fastest(/^range-limit-1000$/),
    least: 40 / 62,
  },
  {
    what: "In range mode at BATCH_SIZE=100 14,000 documents/s where the limit of range claims does 21,000",
    rate: fastest(/^range-100$/),
    of: fastest(/^range-limit-100$/),
    least: 14 / 21,
  },
  {
    what: "In range mode faster than graphile-worker on PostgreSQL",
    rate: fastest(FIXED_RANGES),
    of: fastest(/^graphile-worker-/),
    least: 1,
  },
  {
    what: "BATCH_SIZE=auto in range mode at least 0.9 of the best fixed size",
    rate: fastest(/^range-auto$/),
    of: fastest(FIXED_RANGES),
    least: 0.9,
  },
  {
    what: "8 replicas together reach at least 0.9 of one",
    rate: together("document", 8),
    of: together("document", 1),
    least: 0.9,
  },
  ...[4, 8].map((replicas): Ratio => ({
    what:
      `${replicas} replicas in range mode together reach at least 0.9 of 4 processes of the limit of range claims`,
    rate: together("range", replicas),
    of: together("range limit", 4),
    least: 0.9,
  })),
];

/** The row with the highest rate among those whose ids match; undefined if there is none. */
export function fastestRow(rows: readonly Throughput[], ids: RegExp): Throughput | undefined {
  const [first] = rows.filter(({ id }) => ids.test(id)).sort((a, b) => b.rate.median - a.rate.median);
  return first;
}

function fastest(ids: RegExp): Rate {
  return ({ throughput = [] }) => fastestRow(throughput, ids)?.rate.median;
}

function limitAtBestBatch({ throughput = [] }: Partial<Figures>): number | undefined {
  const batch = fastestRow(throughput, FIXED_RANGES)?.id.replace("range-", "");
  return throughput.find(({ id }) => id === `range-limit-${batch}`)?.rate.median;
}

function together(of: ReplicasResult["of"], replicas: number): Rate {
  return (figures) => figures.replicas?.find((row) => row.of === of && row.replicas === replicas)?.rate;
}

import { certificatesIn } from "../../agent/store/connection/uri.ts";
import type { DatabaseFacts } from "../../agent/store/doctor/database_facts.ts";
import { Examiner, type ExaminerOptions } from "../../agent/store/doctor/examiner.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import { errorText } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import type { CheckedSettings } from "../commands/checked_settings.ts";
import type { Examined, OutOfReach } from "./examined.ts";
import { controlFacts, healthFacts } from "./here.ts";

/** What the doctor knows before it looks. */
export type BeforeExamination = CheckedSettings & Pick<Examined, "heapLimitMiB" | "pod" | "processorProblem">;

/** Asks the machine and the database all that the concerns judge. It takes as long as two answers of the database. */
export async function examine(known: BeforeExamination, options: ExaminerOptions = {}): Promise<Examined> {
  const { filter, heapLimitMiB, pod, processorProblem, settings, warnings } = known;
  const examiner = new Examiner(settings, filter, options);
  const { clock = systemClock } = options;
  try {
    const [database, health, control] = await Promise.all([
      lookAt(examiner),
      healthFacts(settings.healthDir, clock),
      controlFacts(settings.controlFile, clock),
    ]);
    return {
      settings,
      filter,
      warnings,
      uriWarnings: examiner.warnings,
      processorProblem,
      heapLimitMiB,
      health,
      control,
      certificates: certificatesIn(settings.mongodbUri),
      now: options.now?.() ?? new Date(),
      pod,
      database,
    };
  } finally {
    await examiner.close();
  }
}

async function lookAt(examiner: Examiner): Promise<DatabaseFacts | OutOfReach> {
  try {
    return await examiner.look();
  } catch (error) {
    if (!isMongoError(error)) throw error;
    return { problem: errorText(error), seenSet: examiner.seenSet };
  }
}

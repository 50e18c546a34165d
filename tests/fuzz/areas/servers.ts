import { integerFrom } from "../../support/random.ts";
import { randomDocument } from "../../support/random_bson.ts";
import { element } from "../../support/raw_bson.ts";
import type { Area, World } from "../area.ts";
import { type Fault, randomFault } from "../faults.ts";
import { shorter } from "../shrink.ts";
import { fewerTasks, randomSettings, task, taskText } from "../work.ts";
import type { Work } from "../work_run.ts";
import { WorkTrials } from "../work_trials.ts";

/** A server that fails commands in every way it can while an agent works: afterwards all is done, once. */
export class ServersArea implements Area<Work> {
  readonly name = "servers";

  generate(random: () => number): Work {
    return {
      tasks: Array.from(
        { length: integerFrom(random, 1, 30) },
        (_, index) => task(random, index, randomDocument(random, { id: numbered(index), maxFields: 0 })),
      ),
      settings: randomSettings(random),
      faults: Array.from({ length: integerFrom(random, 1, 4) }, () => randomFault(random)),
    };
  }

  size({ faults }: Work): number {
    return faults.length;
  }

  *smaller(work: Work): Iterable<Work> {
    for (const faults of shorter(work.faults)) yield { ...work, faults };
    for (const [at, fault] of work.faults.entries()) {
      for (const commands of fault.commands.length > 1 ? shorter(fault.commands) : []) {
        const smaller: Fault = { ...fault, commands };
        if (commands.length > 0) yield { ...work, faults: work.faults.with(at, smaller) };
      }
    }
    for (const tasks of fewerTasks(work.tasks)) yield { ...work, tasks };
  }

  show({ tasks, settings, faults }: Work): string {
    return [JSON.stringify(settings), ...faults.map((fault) => JSON.stringify(fault)), ...tasks.map(taskText)]
      .join("\n");
  }

  open({ uri }: World): Promise<WorkTrials> {
    return WorkTrials.open(uri);
  }
}

function numbered(index: number) {
  return element(0x10, "_id", new Uint8Array([index, 0, 0, 0]));
}

import { integerFrom } from "../../support/random.ts";
import { randomDocument } from "../../support/random_bson.ts";
import type { Area, World } from "../area.ts";
import { fewerTasks, randomSettings, task, taskText } from "../work.ts";
import type { Work } from "../work_run.ts";
import { WorkTrials } from "../work_trials.ts";

/** Documents of random bytes among plain ones: each ends as its plan says, or the agent tells why it does not. */
export class DocumentsArea implements Area<Work> {
  readonly name = "documents";

  generate(random: () => number): Work {
    const count = integerFrom(random, 1, 40);
    return {
      tasks: Array.from(
        { length: count },
        (_, index) => task(random, index, randomDocument(random, { pull: random() < 0.2, status: "random" })),
      ),
      settings: randomSettings(random),
      faults: [],
    };
  }

  size({ tasks }: Work): number {
    return tasks.length;
  }

  *smaller(work: Work): Iterable<Work> {
    for (const tasks of fewerTasks(work.tasks)) yield { ...work, tasks };
  }

  show({ tasks, settings }: Work): string {
    return `${JSON.stringify(settings)}\n${tasks.map(taskText).join("\n")}`;
  }

  open({ uri }: World): Promise<WorkTrials> {
    return WorkTrials.open(uri);
  }
}

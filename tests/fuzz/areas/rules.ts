import { integerFrom, pick } from "../../support/random.ts";
import { randomDocument } from "../../support/random_bson.ts";
import { bsonDocument, element, elementsOf } from "../../support/raw_bson.ts";
import type { Area, World } from "../area.ts";
import { KEY, type Rule, RULES } from "../rules.ts";
import { fewerTasks, randomSettings, task, taskText } from "../work.ts";
import type { Work } from "../work_run.ts";
import { WorkTrials } from "../work_trials.ts";

/** Unique indexes and validators of the user's own: a refused document is finished all the same, and reported. */
export class RulesArea implements Area<Work> {
  readonly name = "rules";

  generate(random: () => number): Work {
    const keys = integerFrom(random, 1, 6);
    return {
      tasks: Array.from({ length: integerFrom(random, 1, 20) }, (_, index) => {
        const plain = elementsOf(randomDocument(random, { id: number("_id", index), maxFields: 0 }));
        return task(random, index, bsonDocument([...plain, number(KEY, integerFrom(random, 0, keys - 1))]));
      }),
      settings: randomSettings(random),
      faults: [],
      rule: pick(random, Object.keys(RULES) as Rule[]),
    };
  }

  size({ tasks }: Work): number {
    return tasks.length;
  }

  *smaller(work: Work): Iterable<Work> {
    for (const tasks of fewerTasks(work.tasks)) yield { ...work, tasks };
  }

  show({ tasks, settings, rule }: Work): string {
    return [`rule: ${rule}`, JSON.stringify(settings), ...tasks.map(taskText)].join("\n");
  }

  open({ uri }: World): Promise<WorkTrials> {
    return WorkTrials.open(uri);
  }
}

function number(name: string, value: number) {
  return element(0x10, name, new Uint8Array([value, 0, 0, 0]));
}

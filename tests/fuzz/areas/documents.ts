import { integerFrom } from "../../support/random.ts";
import { randomDocument } from "../../support/random_bson.ts";
import { bsonDocument, elementsOf, utf8 } from "../../support/raw_bson.ts";
import type { Area, World } from "../area.ts";
import { fewerTasks, NUMBER, randomSettings, task, taskText } from "../work.ts";
import type { Work } from "../work_run.ts";
import { WorkTrials } from "../work_trials.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** Documents of random bytes among plain ones: each ends as its plan says, or the agent tells why it does not. */
export class DocumentsArea implements Area<Work> {
  readonly name = "documents";

  generate(random: () => number): Work {
    const count = integerFrom(random, 1, 40);
    const tasks = Array.from(
      { length: count },
      (_, index) => task(random, index, randomDocument(random, { pull: random() < 0.2, status: "random" })),
    );
    // One that has hardly any room for what the agent writes, or none.
    if (random() < 0.07) tasks[0] = task(random, 0, grown(tasks[0]!.bytes, integerFrom(random, 40, 1500)));
    return {
      tasks,
      settings: randomSettings(random),
      faults: [],
      redrives: true,
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

/** The document with a field that makes it as large as a server takes, but for some bytes, its number not counted. */
function grown(document: Uint8Array, roomBytes: number): Uint8Array {
  const others = elementsOf(document).filter(({ name }) => new TextDecoder().decode(name) !== NUMBER);
  const length = Math.max(0, MAX_BYTES - roomBytes - bsonDocument(others).length);
  const value = new Uint8Array(length + 5);
  new DataView(value.buffer).setInt32(0, length, true);
  return bsonDocument([...others, { type: 0x05, name: utf8("large"), value }]);
}

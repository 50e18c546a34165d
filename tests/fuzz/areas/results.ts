import { BSON } from "bson";
import { InProcessAgent } from "../../support/in_process_agent.ts";
import { testDatabase } from "../../support/mongod.ts";
import { sameBytes } from "../../support/raw_bson.ts";
import { type AnyDocument, jobs, letters, openStore } from "../../support/store.ts";
import { waitFor } from "../../support/wait.ts";
import type { Area, Trials, Verdict } from "../area.ts";
import { integerFrom, pick } from "../../support/random.ts";
import { randomRecipe, randomThing, type Recipe } from "../odd_values.ts";
import { brokenInText } from "../output.ts";
import { shorter } from "../shrink.ts";

/** What a handler does in the end. */
interface Result {
  how: "set" | "write" | "write_wrongly" | "return" | "throw";
  recipe: Recipe;
}

/** Results, one for each document, and how they are handed over. */
interface Results {
  results: Result[];
  batch: boolean;
}

/** The collection that writes go to. */
const EFFECTS = "effects";
const OPERATIONS = ["insertOne", "updateOne", "replaceOne", "deleteOne", "insert"];

const MAX_ATTEMPTS = 2;
const REST_LIMIT_MS = 60_000;

/** Results of any kind: each document ends, and what is written is what was returned. */
export class ResultsArea implements Area<Results> {
  readonly name = "results";

  generate(random: () => number): Results {
    const results = Array.from({ length: integerFrom(random, 1, 40) }, (): Result => {
      const how = pick(random, ["set", "set", "write", "write", "write_wrongly", "return", "throw"] as const);
      return {
        how,
        recipe: how === "return" || how === "throw" ? randomThing(random) : randomRecipe(random),
      };
    });
    return { results, batch: random() < 0.3 };
  }

  size({ results }: Results): number {
    return results.length;
  }

  *smaller(input: Results): Iterable<Results> {
    for (const results of shorter(input.results)) yield { ...input, results };
    if (input.batch) yield { ...input, batch: false };
  }

  show({ results, batch }: Results): string {
    return [`batch: ${batch}`, ...results.map(({ how, recipe }) => `${how} ${recipe.text}`)].join("\n");
  }

  open(): Promise<Trials<Results>> {
    return Promise.resolve(new ResultsTrials());
  }
}

class ResultsTrials implements Trials<Results> {
  async attempt({ results, batch }: Results): Promise<Verdict> {
    await using database = await testDatabase("fuzz results");
    await using store = openStore(database, { maxAttempts: MAX_ATTEMPTS });
    await jobs(database).insertMany(results.map((_, _id) => ({ _id, status: "pending" })));
    const runs = new Map<number, number>();
    const end = ({ _id }: AnyDocument) => {
      runs.set(_id, (runs.get(_id) ?? 0) + 1);
      const { how, recipe } = results[_id]!;
      const value = recipe.make();
      switch (how) {
        case "throw":
          throw value;
        case "set":
          return { set: { value } };
        case "write":
          return { writes: [{ collection: EFFECTS, insertOne: { job: _id, value } }] };
        case "write_wrongly":
          return {
            writes: [{ collection: EFFECTS, [OPERATIONS[_id % OPERATIONS.length]!]: value, filter: {} }],
          };
        case "return":
          return value;
      }
    };
    await using agent = new InProcessAgent(
      store,
      batch
        ? { kind: "batch", processBatch: (documents) => documents.map((each) => entry(end, each)) }
        : (document) => end(document),
      { maxAttempts: MAX_ATTEMPTS, batchSize: 10, retryBackoffMs: 1, retryBackoffMaxMs: 1 },
    );
    const left = { status: { $in: ["pending", "processing"] } };
    const isOver = async () => await jobs(database).countDocuments(left) === 0;
    await waitFor("all to end", isOver, { timeoutMs: REST_LIMIT_MS }).catch(() => {});
    const broken: string[] = [];
    const stored = await jobs(database).find({}, { promoteValues: false, bsonRegExp: true }).toArray();
    const effects = await database.db.collection(EFFECTS).find({}, { promoteValues: false, bsonRegExp: true })
      .toArray();
    const copied = new Set((await letters(database).distinct("_id")).map(Number));
    for (const document of stored) {
      const id = Number(document._id);
      const { how, recipe } = results[id]!;
      const say = (what: string) => broken.push(`${what} (${how} ${recipe.text})`);
      const ran = runs.get(id) ?? 0;
      if (ran === 0 || ran > MAX_ATTEMPTS) say(`A handler ran ${ran} times`);
      if (document.status !== "processed" && document.status !== "failed") {
        say(`A document stays ${document.status}`);
      }
      if (document.status === "failed" && !copied.has(id)) say("A document is failed and has no dead letter");
      const written = effects.filter(({ job }) => Number(job) === id);
      if (written.length > 1) say(`A write was made ${written.length} times`);
      const isEffect = how === "write" || how === "write_wrongly";
      for (const what of judge(document, results[id]!, isEffect ? written[0] : document)) say(what);
      if (!isEffect && written.length > 0) say("A write was made that no one asked for");
    }
    const events = agent.seen.map((event) => Deno.inspect(event, { breakLength: Infinity }));
    return { broken, evidence: events.slice(-20).join("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** In a batch each entry stands for itself: what is thrown is what a careful user puts in its place. */
function entry(end: (document: AnyDocument) => unknown, document: AnyDocument): unknown {
  try {
    return end(document);
  } catch (error) {
    return isError(error) ? error : Object.assign(new Error("thrown"), { thrown: error });
  }
}

function isError(thrown: unknown): boolean {
  try {
    return thrown instanceof Error;
  } catch {
    // A revoked proxy cannot even be asked.
    return false;
  }
}

/** What is written must be what was returned, or nothing at all with an error that says why. */
function judge(document: AnyDocument, { how, recipe }: Result, target: AnyDocument | undefined): string[] {
  const isWritten = target !== undefined && "value" in target;
  if (how === "throw" && document.status === "processed") {
    return ["A document is processed whose handler threw"];
  }
  if (how === "write_wrongly" && document.status === "processed") return ["A wrong write counts as one"];
  if (how !== "set" && how !== "write") {
    return isWritten ? ["A field was written that no one returned under set"] : [];
  }
  if (!("stored" in recipe)) {
    if (isWritten) {
      return [`Something was written for a value that cannot be: ${Deno.inspect(target.value)}`];
    }
    if (document.status === "processed") return ["A document is processed and its result left out"];
    const said = String(document.error ?? "");
    return [...(said === "" ? ["An error says nothing"] : []), ...brokenInText(said)];
  }
  if (document.status !== "processed") return [`A result that can be written was refused: ${document.error}`];
  if (!isWritten) return ["A document is processed and its result left out"];
  const [expected, found] = [recipe.stored, target.value].map((value) => BSON.serialize({ value }));
  if (sameBytes(expected!, found!)) return [];
  return [`What is written is not what was returned: ${Deno.inspect(target.value)}`];
}

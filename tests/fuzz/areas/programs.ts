import { SILENT } from "../../../agent/processors/foreign_log.ts";
import { loadExec } from "../../../agent/processors/exec/exec.ts";
import { InProcessAgent } from "../../support/in_process_agent.ts";
import { testDatabase } from "../../support/mongod.ts";
import { integerFrom, pick } from "../../support/random.ts";
import { jobs, openStore } from "../../support/store.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { randomAnswerText } from "../answers.ts";
import type { Area, Trials, Verdict } from "../area.ts";
import type { Meaning } from "../answers.ts";
import { brokenAfter } from "../outcomes.ts";

/** What a program does with a line, one after the other. */
type Act =
  | { write: string }
  | { say: string }
  | { sleepMs: number }
  | { exit: number }
  | { signal: "SIGKILL" | "SIGSEGV" | "SIGTERM" }
  | { close: 0 | 1 | 2 }
  | { fork: true };

/** How a program answers for one document: `ID` in a text stands for the id of the line. */
interface Plan {
  acts: Act[];
  meaning: Meaning;
}

interface Programs {
  plans: Plan[];
  processes: number;
  /** What the program writes before it reads anything. */
  greeting: string;
}

const MAX_ATTEMPTS = 2;
/** A program in Python takes a second to start on a busy machine. */
const PROCESS_TIMEOUT_MS = 4000;

/** Acts in the program's own language: it does what the document says. */
const PROGRAM = `import json, os, signal, subprocess, sys, time
def write(to, text, id):
    data = text.replace("ID", id).encode("latin-1", "replace")
    while data: data = data[os.write(to, data):]
if len(sys.argv) > 1: write(1, sys.argv[1], "")
for line in sys.stdin:
    call = json.loads(line)
    for act in call["document"]["acts"]:
        if "write" in act: write(1, act["write"], call["id"])
        if "say" in act: write(2, act["say"], call["id"])
        if "sleepMs" in act: time.sleep(act["sleepMs"] / 1000)
        if "exit" in act: os._exit(act["exit"])
        if "signal" in act: os.kill(os.getpid(), getattr(signal, act["signal"]))
        if "close" in act: os.close(act["close"])
        if "fork" in act: subprocess.Popen(["sleep", "2"])
`;

/** Answers of programs, over real pipes: each document ends as its answer says, and none takes that of another. */
export class ProgramsArea implements Area<Programs> {
  readonly name = "programs";

  generate(random: () => number): Programs {
    return {
      plans: Array.from({ length: integerFrom(random, 1, 10) }, (_, number) => randomPlan(random, number)),
      processes: pick(random, [1, 1, 2, 4]),
      greeting: pick(random, ["", "", "", '{"concurrency":1}\n', '{"concurrency": 3}\n']),
    };
  }

  size({ plans }: Programs): number {
    return plans.length;
  }

  /** Others in the place of some: an answer names its document by its place. */
  *smaller(input: Programs): Iterable<Programs> {
    for (const [at, plan] of input.plans.entries()) {
      if (plan !== PLAIN) yield { ...input, plans: input.plans.toSpliced(at, 1, PLAIN) };
    }
    if (input.plans.at(-1) === PLAIN && input.plans.length > 1) {
      yield { ...input, plans: input.plans.slice(0, -1) };
    }
    if (input.processes > 1) yield { ...input, processes: 1 };
    if (input.greeting !== "") yield { ...input, greeting: "" };
  }

  show({ plans, processes, greeting }: Programs): string {
    return [
      `processes: ${processes}, greeting: ${JSON.stringify(greeting)}`,
      ...plans.map((plan) => JSON.stringify(plan).slice(0, 500)),
    ].join("\n");
  }

  async open(): Promise<Trials<Programs>> {
    const dir = await TempDir.make();
    const path = await dir.write("program.py", PROGRAM);
    return {
      attempt: (input) => attempt(input, path),
      [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    };
  }
}

const PLAIN: Plan = { acts: [{ write: '{"id":"ID","ok":true}\n' }], meaning: "done" };

function randomPlan(random: () => number, number: number): Plan {
  const { text: answer, meaning } = randomAnswerText(random, number);
  // An answer is one line.
  const text = answer.replaceAll("\n", " ");
  const wrapped = pick(
    random,
    [
      { line: `{"id":"ID","ok":true,"result":${text}}`, meaning },
      { line: `{"id":"ID","ok":true,"result":${text}}`, meaning },
      { line: '{"id":"ID","ok":true}', meaning: "done" },
      { line: '{"id":"ID","ok":false,"error":"no"}', meaning: "fail" },
      { line: `{"id":"ID","ok":false,"result":${text}}`, meaning: "fail" },
      { line: `{"id":"ID","ok":true,"error":"no","result":${text}}`, meaning: "fail" },
    ] as const,
  );
  const acts = pieces(random, `${wrapped.line}\n`);
  const plan = { acts, meaning: wrapped.meaning as Meaning };
  const noise: Act[] = [{ say: "at work\n" }, { say: "x".repeat(100_000) }, { say: "\u00ff\n".repeat(300) }];
  switch (integerFrom(random, 0, 31)) {
    case 0:
      return { ...plan, acts: [pick(random, noise), ...acts] };
    case 1:
      return { ...plan, acts: [{ sleepMs: integerFrom(random, 0, 30) }, ...acts] };
    case 2:
      return { acts: [...acts, { exit: integerFrom(random, 0, 3) }], meaning: plan.meaning };
    case 3:
      return { acts: [{ exit: integerFrom(random, 0, 3) }], meaning: "fail" };
    case 4:
      return { acts: [{ signal: pick(random, ["SIGKILL", "SIGSEGV", "SIGTERM"]) }], meaning: "fail" };
    case 5:
      return {
        acts: [...acts.slice(0, -1), { write: "" }, { exit: 0 }],
        meaning: acts.length > 1 ? "any" : "fail",
      };
    case 6:
      return {
        acts: [{
          write: pick(random, ["banner\n", "\n", "[1]\n", '{"id":"0","ok":true}\n', "\u0000\n", "\u00ff\n"]),
        }],
        meaning: "fail",
      };
    case 7:
      return { acts: [{ write: '{"id":"ID"' }, { sleepMs: 60_000 }], meaning: "fail" };
    case 8:
      return { acts: [...acts, ...acts], meaning: plan.meaning };
    case 9:
      return { acts: [{ close: pick(random, [0, 1]) }, { sleepMs: 60_000 }], meaning: "fail" };
    case 10:
      return { ...plan, acts: [{ close: 2 }, ...acts] };
    case 11:
      return { ...plan, acts: [{ fork: true }, ...acts] };
    default:
      return plan;
  }
}

/** A text, written in one piece or in several. */
function pieces(random: () => number, text: string): Act[] {
  // The placeholder stays whole.
  const at = Math.max(text.indexOf("ID") + 2, integerFrom(random, 0, text.length));
  const parts = random() < 0.5 ? [text] : [text.slice(0, at), text.slice(at)];
  return parts.flatMap((part, index): Act[] =>
    index === 0 ? [{ write: part }] : [{ sleepMs: 1 }, { write: part }]
  );
}

/** Whether what a program does for a document may end it while it holds, or gets, another one. */
function mayHurtOthers({ acts, meaning }: Plan): boolean {
  const isPlain = acts.every((act) => "write" in act || "say" in act || "sleepMs" in act || "fork" in act);
  return !isPlain || meaning !== "done" && meaning !== "set" ||
    acts.filter((act) => "write" in act).length > 2;
}

async function attempt({ plans, processes, greeting }: Programs, path: string): Promise<Verdict> {
  await using database = await testDatabase("fuzz programs");
  await using store = openStore(database, { maxAttempts: MAX_ATTEMPTS });
  await jobs(database).insertMany(plans.map(({ acts }, _id) => ({ _id, acts, status: "pending" })));
  const command = JSON.stringify(["python3", path, ...greeting === "" ? [] : [greeting]]);
  const settings = { execProcesses: processes, processTimeoutMs: PROCESS_TIMEOUT_MS };
  await using agent = new InProcessAgent(store, await loadExec(command, settings, SILENT), {
    ...{ maxAttempts: MAX_ATTEMPTS, batchSize: 10, retryBackoffMs: 1, retryBackoffMaxMs: 1 },
    processTimeoutMs: PROCESS_TIMEOUT_MS,
  });
  // A program that is out of step is ended, with all that it holds.
  const isRough = plans.some(mayHurtOthers);
  const meanings = plans.map(({ meaning }) => isRough && meaning !== "fail" ? "any" : meaning);
  const broken = await brokenAfter(agent, database, { meanings, maxAttempts: MAX_ATTEMPTS });
  const events = agent.seen.map((event) => Deno.inspect(event, { breakLength: Infinity }));
  return { broken, evidence: events.slice(-20).join("\n") };
}

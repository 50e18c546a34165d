import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { parseCommandLine } from "../../../../control/commands/command_line.ts";
import { COMMANDS } from "../../../../control/commands/commands.ts";
import { pick, rounds, testRandom } from "../../../support/random.ts";

const words = (line: string) => line.split(" ").filter((word) => word !== "");
const parse = (text: string): Record<string, unknown> => {
  const { command, line: { about, ...line } } = parseCommandLine(words(text));
  return { command: command.name, ...line, ...(about && { about: namesOf(about) }) };
};
/** Of several commands they are all there are. */
const namesOf = (commands: readonly { name: string }[]) => {
  if (commands.length > 1) assertEquals(commands, COMMANDS);
  return commands.length === 1 ? commands[0]!.name : undefined;
};
const problem = (line: string) => assertThrows(() => parse(line), UsageError, undefined, line).message;

for (
  const [line, expected] of [
    ["", { command: "run" }],
    ["run", { command: "run", flags: [], options: {} }],
    ["run --until-empty", { command: "run", flags: ["until-empty"] }],
    ["pause", { command: "pause" }],
    ["resume", { command: "resume" }],
    ["status", { command: "status", flags: [] }],
    ["status --json", { command: "status", flags: ["json"] }],
    ["--json status", { command: "status", flags: ["json"] }],
    ["health liveness", { command: "health", word: "liveness" }],
    ["health readiness", { command: "health", word: "readiness" }],
    ["health startup", { command: "health", word: "startup" }],
    ["check", { command: "check" }],
    ["dead-letters show 7 --json", { word: "show", operand: "7", flags: ["json"] }],
    ["dead-letters show -- -5", { word: "show", operand: "-5" }],
    ["dead-letters list --all --limit 5", { flags: ["all"], options: { limit: ["5"] } }],
    ["--limit 5 dead-letters list", { word: "list", options: { limit: ["5"] } }],
    ["--id run --json dead-letters --limit=5 list", { word: "list", options: { id: ["run"], limit: ["5"] } }],
    ["--limit 5 dead-letters --help", { command: "help", about: "dead-letters" }],
    ["dead-letters purge --id=-5 --id 7", { word: "purge", options: { id: ["-5", "7"] } }],
    ["help", { command: "help" }],
    ["--help", { command: "help", about: undefined }],
    ["-h", { command: "help", about: undefined }],
    ["status --help", { command: "help" }],
    ["health -h", { command: "help" }],
    ["nonsense --help", { command: "help", about: undefined }],
    ["help help", { command: "help", about: undefined }],
    ["help version", { command: "help", about: undefined }],
    ["help --help", { command: "help", about: undefined }],
    ["version --help", { command: "help", about: undefined }],
    ["help dead-letters", { command: "help", about: "dead-letters" }],
    ["help dead-letters redrive", { command: "help", about: "dead-letters" }],
    ["dead-letters redrive --all --help", { command: "help", about: "dead-letters" }],
    ["version", { command: "version" }],
    ["version --version", { command: "version" }],
    ["status --version", { command: "version" }],
    ["--version", { command: "version" }],
    ["-V", { command: "version" }],
  ] as [string, Record<string, unknown>][]
) {
  Deno.test(`parseCommandLine() understands "pulling-agent ${line}"`, () => {
    const parsed = parse(line);
    for (const [key, value] of Object.entries(expected)) assertEquals(parsed[key], value, key);
  });
}

Deno.test("parseCommandLine() takes help of every command in each of its ways", () => {
  for (const { name, asSwitch } of COMMANDS) {
    if (asSwitch) continue;
    for (const line of [`help ${name}`, `${name} --help`, `${name} -h`, `--help ${name}`]) {
      assertEquals(parse(line), { command: "help", about: name, flags: [], options: {} }, line);
    }
  }
});

Deno.test("parseCommandLine() knows every command of the table", () => {
  for (const { name, needsOne, oneOf, words = {}, operand = "" } of COMMANDS) {
    const [[word, { operand: after = "" }] = ["", {}]] = Object.entries(words);
    const one = needsOne ? `--${oneOf![0]} 1` : "";
    const line = [name, word, after, operand.startsWith("[") ? "" : operand, one].join(" ");
    assertEquals(parse(line).command, name);
  }
});

for (
  const [line, says] of [
    [
      "start",
      'There is no command "start": did you mean run? Known are run, pause, resume, status, top, health, metrics, dashboard, why, requeue, cancel, dead-letters, check',
    ],
    [
      "frobnicate",
      'There is no command "frobnicate": known are run, pause, resume, status, top, health, metrics, dashboard, why, requeue, cancel, dead-letters',
    ],
    ["verison", 'There is no command "verison": did you mean version? Known are'],
    ["help puase", 'There is no command "puase": did you mean pause? Known are'],
    ["help pause now", 'help pause takes no argument "now": use it as pulling-agent help [COMMAND]'],
    ["version 2", 'version takes no argument "2": use it as pulling-agent version'],
    ["statsu", 'There is no command "statsu": did you mean status? Known are'],
    ["deadletters list", 'There is no command "deadletters": did you mean dead-letters?'],
    ["dead_letters list", 'There is no command "dead_letters": did you mean dead-letters?'],
    ["unpause", 'There is no command "unpause": did you mean resume?'],
    ["versoin", 'There is no command "versoin": did you mean version?'],
    ["status --jsno", "status knows no --jsno: did you mean --json? Use it as pulling-agent status [--json]"],
    ["status --JSON=true", "status knows no --JSON=true: did you mean --json?"],
    ["run --untilempty", "run knows no --untilempty: did you mean --until-empty?"],
    ["dead-letters list --limt 5", "dead-letters knows no --limt: did you mean --limit?"],
    [
      "dead-letters retry --all",
      'dead-letters knows no "retry": did you mean dead-letters redrive? Use it as',
    ],
    ["dead-letters lst", 'dead-letters knows no "lst": did you mean dead-letters list?'],
    ["dead-letters frob", 'dead-letters knows no "frob", but list, show, summary, redrive, purge: use it as'],
    ["RUN", 'There is no command "RUN": did you mean run?'],
    ["7", 'There is no command "7"'],
    ["toString", 'There is no command "toString"'],
    ["__proto__", 'There is no command "__proto__"'],
    ["constructor", 'There is no command "constructor"'],
    ["--frobnicate", "run knows no --frobnicate: use it as pulling-agent run"],
    ["status --frobnicate", "status knows no --frobnicate: use it as pulling-agent status [--json]"],
    ["-x", "run knows no -x"],
    ["--json", "run knows no --json"],
    ["pause --json", "pause knows no --json: use it as pulling-agent pause"],
    ["run now", 'run takes no argument "now": use it as pulling-agent run'],
    ["status of it", 'status takes no argument "it"'],
    ["health", "health needs one of liveness, readiness, startup"],
    [
      "health ready",
      'health knows no "ready": did you mean health readiness? Use it as pulling-agent health',
    ],
    ["health liveness readiness", 'health takes no argument "readiness"'],
    ["health Liveness", 'health knows no "Liveness": did you mean health liveness?'],
    ["dead-letters show 7 --all", "dead-letters show knows no --all: use it as pulling-agent dead-letters"],
    ["dead-letters show 7 --id 7", "dead-letters show knows no --id"],
    ["dead-letters list --limit many", '--limit is "many": must be a whole number from 1'],
    ["dead-letters list --limit 0", '--limit is "0": must be a whole number from 1'],
    [
      "dead-letters list --id 1 --all",
      "--id, --filter and --all exclude each other: give one of them",
    ],
    [
      "dead-letters redrive",
      "dead-letters redrive needs to know which: give --id ID, --filter JSON or --all",
    ],
    ["dead-letters purge --limit 1", "dead-letters purge needs to know which: give --id ID, --filter"],
    ["dead-letters show", "dead-letters show needs an ID"],
    ["status --limit 5", "status knows no --limit: use it as pulling-agent status [--json]"],
    ["dead-letters list --dry-run", "dead-letters list knows no --dry-run"],
    ["dead-letters redrive --all --json", "dead-letters redrive knows no --json"],
    ["dead-letters list --filter {} --filter {}", "--filter may be given once"],
    ["dead-letters list --limit 1 --limit 2", "--limit may be given once"],
    ["dead-letters list --id 1 --id", "--id needs a value"],
    ["dead-letters list --id --all", "--id needs a value: use it as"],
    ["dead-letters redrive --id -5", "--id needs a value (one that starts with a dash as --id=-5)"],
    ["dead-letters show -5", "dead-letters knows no -5 (an ID that starts with a dash as show -- -5)"],
  ] as const
) {
  Deno.test(`parseCommandLine() refuses "pulling-agent ${line}" and says what it knows`, () => {
    const message = problem(line);
    assertStringIncludes(message, says);
    assert(!message.includes("\n"));
  });
}

Deno.test("parseCommandLine() passes no control character of an argument on", () => {
  for (
    const args of [["\x1b[31mred"], ["status", "--\x1b[31m"], ["health", "a\x9bb\u202e"], ["run", "x\ny"]]
  ) {
    const { message } = assertThrows(() => parseCommandLine(args), UsageError);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u202e]/.test(message), JSON.stringify(message));
  }
});

Deno.test("parseCommandLine() refuses a blank argument rather than to ignore it", () => {
  assertThrows(() => parseCommandLine([""]), UsageError, 'There is no command ""');
});

Deno.test("parseCommandLine() takes nothing that its command does not declare, of any line", () => {
  const random = testRandom();
  const known = COMMANDS.flatMap(({ name, words = {}, options = {} }) => [
    name,
    ...Object.keys(words),
    ...Object.keys(options).flatMap((option) => [`--${option}`, `--${option}=x`, `--no-${option}`]),
  ]);
  const odd = [
    "--",
    "-",
    "",
    "--=",
    "--id=",
    "-h",
    "-V",
    "-hV",
    "--help=false",
    "-5",
    "--5",
    "x",
    "--__proto__=x",
  ];
  const inherited = [
    "--__proto__.polluted=1",
    "--constructor.prototype.polluted=1",
    "--id.__proto__.polluted=1",
    "__proto__",
    "constructor",
    "toString",
    "--constructor",
    "--toString=x",
    "--hasOwnProperty",
  ];
  let understood = 0;
  for (let round = 0; round < rounds(625); round++) {
    const args = Array.from(
      { length: Math.floor(random() * 6) },
      () => pick(random, [...known, ...odd, ...inherited]),
    );
    let asked;
    try {
      asked = parseCommandLine(args);
    } catch (error) {
      assert(error instanceof UsageError, `${JSON.stringify(args)}: ${error}`);
      assert(error.problems.length === 1 && !error.message.includes("\n"), error.message);
      continue;
    }
    understood += 1;
    const { command: { words, options = {} }, line } = asked;
    const shown = JSON.stringify(args);
    assertEquals(line.word !== undefined, words !== undefined, shown);
    if (line.word !== undefined) assert(Object.hasOwn(words!, line.word), shown);
    for (const flag of line.flags) assert(options[flag] && options[flag].value === undefined, shown);
    for (const [name, values] of Object.entries(line.options)) {
      assert(options[name]?.value !== undefined && values!.length > 0, shown);
    }
  }
  assertEquals([Object.hasOwn(Object.prototype, "polluted"), Object.hasOwn(Array.prototype, "polluted")], [
    false,
    false,
  ]);
  assert(understood > 100, `${understood} understood`);
});

Deno.test("parseCommandLine() takes a dash alone for the value of an option", () => {
  for (
    const args of [["try", "--file", "-", "--json"], ["--file", "-", "try", "--json"], [
      "try",
      "--file=-",
      "--json",
    ]]
  ) {
    const { command: { name }, line: { flags, options } } = parseCommandLine(args);
    assertEquals([name, flags, options], ["try", ["json"], { file: ["-"] }], args.join(" "));
  }
});

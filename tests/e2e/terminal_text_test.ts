import { assert, assertEquals } from "@std/assert";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { rounds, testRandom } from "../support/random.ts";
import { commandsIn, randomText } from "../support/random_text.ts";

const SEED = 29;

/** Characters of an output that command a terminal; each line break ends a line of the program's own. */
function commandsInLines(output: string): string[] {
  return output.split(/[\n\t]/).flatMap(commandsIn);
}

/** A text that an argument or a variable can hold: no NUL, and no half of a character. */
function randomArgument(random: () => number): string {
  return randomText(random).toWellFormed().replaceAll("\0", "\u001b");
}

Deno.test("check, status, health, help and dead-letters print no character that commands a terminal, for any line and settings", async () => {
  const random = testRandom(SEED);
  const argument = () => randomArgument(random);
  for (let run = 0; run < rounds(6); run++) {
    const name = argument();
    await using home = await agentHome({
      db: { uri: "mongodb://127.0.0.1:1/", name: "none" },
      module: `console.log(${JSON.stringify(name)}); ${
        run % 2 === 0 ? `throw new Error(${JSON.stringify(name)});` : "export default () => {};"
      }`,
      env: {
        AGENT_NAME: name,
        ...(run % 3 === 0 && { FILTER: argument(), MONGODB_COLLECTION: argument() }),
        ...(run % 3 === 1 && { CONTROL_FILE: argument() }),
      },
    });
    const lines = [
      ["check"],
      [argument(), argument()],
      ["status", `--${argument()}`],
      ["health", argument()],
      ["help", argument()],
      ["dead-letters", "list", "--filter", argument()],
      ["dead-letters", argument(), "--id", argument()],
    ];
    for (const args of lines) {
      const { stdout, stderr } = await home.run(...args);
      assert(stdout + stderr !== "", JSON.stringify(args));
      assertEquals(commandsInLines(stdout + stderr), [], `${JSON.stringify(args)}\n${stdout}${stderr}`);
    }
  }
});

for (const format of ["json", "text"]) {
  Deno.test(`run prints and reports no character that commands a terminal, in ${format}`, async () => {
    const random = testRandom(SEED);
    await using db = await testDatabase("terminal text");
    // The agent reports an _id that begins with a byte order mark, and leaves it alone.
    const ids = Array.from({ length: 30 }, () => randomText(random).toWellFormed().replace(/^\ufeff/, ""));
    const documents = await insertPending(db, ids);
    const texts = ids.map(() => randomText(random));
    await using home = await agentHome({
      db,
      module: `
        const texts = ${JSON.stringify(texts)};
        console.warn(texts.join(""));
        let count = 0;
        export default ({ _id }, { log }) => {
          const text = texts[count++ % texts.length];
          log.info(text, { [text]: text, _id });
          console.log(text);
          throw Object.assign(new Error(text), { permanent: count % 2 === 0 });
        };`,
      env: { LOG_LEVEL: "DEBUG", LOG_FORMAT: format, MAX_ATTEMPTS: "1" },
    });
    const printed = `${home.dir}/printed`;
    const wrapper = ["sh", "-c", 'exec "$@" >"$PRINTED" 2>&1', "sh"];
    const agent = await home.startReady({ wrapper, env: { PRINTED: printed } });
    await agent.untilStatus("all to have failed", ({ counters }) => counters.dead_lettered === ids.length);
    const file = await Deno.readTextFile(`${home.healthDir}/status.json`);
    const answers = [];
    for (
      const args of [
        ["status"],
        ["status", "--json"],
        ["dead-letters", "list"],
        ["dead-letters", "list", "--json"],
        ["dead-letters", "show", formatId(ids[0])],
      ]
    ) {
      const { code, stdout, stderr } = await home.run(...args);
      assertEquals(code, 0, stderr);
      answers.push(stdout, stderr);
    }
    agent.signal("SIGTERM");
    await agent.exit();
    const log = await Deno.readTextFile(printed);
    for (const output of [file, ...answers, log]) assertEquals(commandsInLines(output), [], output);
    assert(log.split("\n").length > 2 * ids.length);
    assertEquals(await documents.countDocuments({ status: "failed" }), ids.length);
  });
}

import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { buildGo, GO, JQ, NODE } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing, type Requirement } from "../support/optional.ts";

const NODE_PROGRAM = `
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, document } = JSON.parse(line);
  console.log(JSON.stringify({ id, ok: true, result: { set: { upper: document.name.toUpperCase() } } }));
});`;

const GO_PROGRAM = `package main

import ("bufio"; "encoding/json"; "os"; "strings")

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\\n')
		if err != nil { return }
		var order struct { Id string; Document struct { Name string } }
		json.Unmarshal(line, &order)
		set := map[string]any{"upper": strings.ToUpper(order.Document.Name)}
		out.Encode(map[string]any{"id": order.Id, "ok": true, "result": map[string]any{"set": set}})
	}
}
`;

const JQ_PROGRAM = `#!/bin/sh
exec jq --unbuffered -c '{id, ok: true, result: {set: {upper: (.document.name | ascii_upcase)}}}'
`;

for (
  const [language, requirement, file, source, command] of [
    ["sh with jq", JQ, "program.sh", JQ_PROGRAM, (path: string) => ["sh", path]],
    ["Node.js", NODE, "program.js", NODE_PROGRAM, (path: string) => ["node", path]],
    ["Go", GO, "main.go", GO_PROGRAM, (path: string) => [path.replace("main.go", "worker")]],
  ] as [string, Requirement, string, string, (path: string) => string[]][]
) {
  Deno.test({
    name: `Programs: the executable has documents processed by a program in ${language}`,
    ignore: await isMissing(requirement),
    async fn() {
      await using db = await testDatabase("exec languages");
      const documents = documentsOf(db);
      await documents.insertMany(
        Array.from({ length: 100 }, (_, _id) => ({ _id, name: "ada", status: "pending" })),
      );
      await using home = await agentHome({ db });
      const path = await home.write(file, source);
      if (language === "Go") await buildGo(path, `${home.dir}/worker`);
      const env = { PROCESSOR: `exec:${JSON.stringify(command(path))}`, EXEC_PROCESSES: "2" };
      assertEquals((await home.runWith({ args: ["run", "--until-empty"], env })).code, 0);
      assertEquals(
        await documents.countDocuments({ status: "processed", upper: "ADA", "_pull.attempts": 1 }),
        100,
      );
    },
  });
}

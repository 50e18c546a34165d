import { assertEquals } from "@std/assert";
import { buildGo, GO, JQ, NODE, PERL } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { program, started } from "../support/programs.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test({
  name: "Programs: a program in sh with jq",
  ignore: await isMissing(JQ),
  async fn() {
    await using it = await program(
      `exec jq --unbuffered -c '{id, ok: true, result: {set: {total: (.document.lines | add)}}}'`,
      { with: "sh" },
    );
    assertEquals(await it.run({ lines: [1, 2, 3.5] }), { set: { total: 6.5 } });
  },
});

Deno.test({
  name: "Programs: a program in Perl",
  ignore: await isMissing(PERL),
  async fn() {
    await using it = await program(
      `use JSON::PP;
$| = 1;
while (my $line = <STDIN>) {
  my $call = decode_json($line);
  print encode_json({
    id => $call->{id}, ok => JSON::PP::true, result => { set => { upper => uc $call->{document}{name} } },
  }), "\n";
}`,
      { with: "perl" },
    );
    assertEquals(await it.run({ name: "ada" }), { set: { upper: "ADA" } });
  },
});

Deno.test({
  name: "Programs: a program in Node.js",
  ignore: await isMissing(NODE),
  async fn() {
    await using it = await program(
      `require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
        const { id, document } = JSON.parse(line);
        console.log(JSON.stringify({ id, ok: true, result: { set: { upper: document.name.toUpperCase() } } }));
      });`,
      { with: "node" },
    );
    assertEquals(await it.run({ name: "ada" }), { set: { upper: "ADA" } });
  },
});

Deno.test({
  name: "Programs: a program in Go",
  ignore: await isMissing(GO),
  async fn() {
    await using dir = await TempDir.make();
    await Deno.writeTextFile(`${dir.path}/main.go`, GO_PROGRAM);
    await buildGo(`${dir.path}/main.go`, `${dir.path}/worker`);
    await using it = await started(`${dir.path}/worker`);
    assertEquals(await it.run({ name: "ada" }), { set: { length: 3 } });
  },
});

const GO_PROGRAM = `package main

import ("bufio"; "encoding/json"; "os")

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\\n')
		if err != nil { return }
		var order struct { Id string; Document struct { Name string } }
		json.Unmarshal(line, &order)
		out.Encode(map[string]any{"id": order.Id, "ok": true, "result": map[string]any{"set": map[string]any{"length": len(order.Document.Name)}}})
	}
}
`;

import { assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { BSON } from "bson";
import { parseDocuments } from "../../agent/store/documents/json_documents.ts";
import { readDocuments } from "../../control/try/documents_file.ts";
import { statusNote } from "../../scripts/dev/pending.ts";
import { UserError } from "../../scripts/dev/user_error.ts";
import { TempDir } from "../support/temp_dir.ts";

const json = '{"a":1}\n';
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function utf16(text: string): Uint8Array {
  return new Uint8Array([0xff, 0xfe, ...[...text].flatMap((char) => [char.charCodeAt(0), 0])]);
}

for (
  const [name, content, says] of [
    ["orders.json.gz", await gzip(json), "is compressed with gzip: unpack it"],
    ["orders.xlsx", new Uint8Array([0x50, 0x4b, 3, 4, 20, 0]), "is a zip archive, as spreadsheets are"],
    ["orders.zst", new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 4, 0]), "is compressed with zstd"],
    [
      "orders.bson",
      BSON.serialize({ _id: 1, name: "x" }),
      "is BSON, as mongodump writes it: make JSON of it",
    ],
    ["orders.archive", new Uint8Array([0x6d, 0xe2, 0x99, 0x81, 1, 0]), "is an archive of mongodump"],
    ["orders.json", utf16(json), "is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)"],
    ["latin1.json", new Uint8Array([...bytesOf('{"a":"'), 0xe9, ...bytesOf('"}')]), "is not text in UTF-8"],
    ["empty.json", new Uint8Array(), "is empty: write documents into it"],
    ["blank.json", bytesOf(" \n\n"), "is empty"],
    ["orders.csv", bytesOf("id,name\n1,x\n"), "is CSV: put it into a collection (mongoimport --type csv"],
    ["orders.txt", bytesOf('"id";"name"\n1;"x"\n'), "is CSV"],
    ["orders.tsv", bytesOf("id\tname\n"), "is CSV"],
    ["page.json", bytesOf("<html></html>"), "is XML or HTML"],
    ["list.json", bytesOf("[]"), "holds no documents"],
    ["words.json", bytesOf("hello"), "words.json, line 1, is not JSON"],
  ] as [string, Uint8Array, string][]
) {
  Deno.test(`readDocuments() says of ${name} that it ${says.slice(0, 40)}`, async () => {
    await using dir = await TempDir.make();
    const path = `${dir.path}/${name}`;
    await Deno.writeFile(path, content);
    const error = await assertRejects(() => readDocuments({ path: path, said: `FILE=${path}` }), UserError);
    assertStringIncludes(error.message, says);
    assertEquals(error.message.includes("\n"), false);
  });
}

Deno.test("readDocuments() says of a directory and of a missing file what they are", async () => {
  await using dir = await TempDir.make();
  const directory = await assertRejects(
    () => readDocuments({ path: dir.path, said: `FILE=${dir.path}` }),
    UserError,
  );
  assertMatch(directory.message, /it is a directory: name a file in it$/);
  const missing = await assertRejects(
    () => readDocuments({ path: `${dir.path}/gone.json`, said: "FILE=gone.json" }),
    UserError,
  );
  assertMatch(missing.message, /there is no such file$/);
});

Deno.test("readDocuments() takes lines of JSON with a byte order mark", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("bom.json", `\uFEFF${json}${json}`);
  assertEquals((await readDocuments({ path: path, said: `FILE=${path}` })).length, 2);
});

Deno.test("statusNote() says nothing of documents that are pending", () => {
  assertEquals(statusNote([{ status: "pending" }], "FILE=f"), undefined);
});

Deno.test("statusNote() takes an array with pending in it for pending, as the agent's query does", () => {
  assertEquals(statusNote([{ status: ["new", "pending"] }], "FILE=f"), undefined);
  // Within an array in the array no query looks.
  assertThrows(() => statusNote([{ status: [["pending"]] }], "FILE=f"), UserError);
});

Deno.test("statusNote() counts the documents that bring a status of their own", () => {
  const note = statusNote(
    [{ status: "pending" }, { status: "new" }, { status: "new" }, { status: null }],
    "f",
  )!;
  assertStringIncludes(
    note,
    '3 of 4 documents have a status of their own and are left alone: 2 with "new", 1 with null.',
  );
  assertStringIncludes(note, "jq -c 'del(.status)'");
});

Deno.test("statusNote() names statuses as they are written in the file", () => {
  const documents = parseDocuments(
    '{"status":{"$numberLong":"5"}}\n{"status":{"$oid":"65f0c0ffee0123456789abcd"}}',
    "f",
  );
  const { message } = assertThrows(() => statusNote(documents, "FILE=f"), UserError);
  assertStringIncludes(message, 'pending: 1 with 5, 1 with {"$oid":"65f0c0ffee0123456789abcd"}.');
});

Deno.test("statusNote() refuses a file none of whose documents is pending", () => {
  const documents = Array.from({ length: 9 }, (_, index) => ({ status: `s${index}` }));
  const error = assertThrows(() => statusNote(documents, "FILE=f"), UserError);
  assertMatch(
    error.message,
    /^None of the 9 documents of FILE=f is pending: 1 with "s0", .*"s4", and others\. The agent/,
  );
});

import { assert, assertEquals, assertFalse } from "@std/assert";
import { Redactor, redactUri } from "../../../../agent/text/redact.ts";
import { type LogFormat, logLine } from "../../../../agent/telemetry/logger.ts";
import { integerFrom, pick, rounds, testRandom } from "../../../support/random.ts";

for (
  const [text, expected] of [
    ["mongodb://user:pass@db:27017/x", "mongodb://***@db:27017/x"],
    ["mongodb+srv://user:pass@cluster.example.net", "mongodb+srv://***@cluster.example.net"],
    ["mongodb://user:p@ss@db/x", "mongodb://***@db/x"],
    ["mongodb://user:p:a:ss@db", "mongodb://***@db"],
    ["mongodb://user:pa/ss@db/x", "mongodb://***@db/x"],
    ["mongodb://us%40er:p%40s%2Fs%3A@db", "mongodb://***@db"],
    ["mongodb://user@db", "mongodb://***@db"],
    ["MONGODB://User:Pass@DB", "MONGODB://***@DB"],
    ["mongodb://a:b@h1,h2,h3/?replicaSet=r", "mongodb://***@h1,h2,h3/?replicaSet=r"],
    [
      "from mongodb://a:b@h1 to https://c:d@h2/p, twice",
      "from mongodb://***@h1 to https://***@h2/p, twice",
    ],
    ['"mongodb://a:b@h1","mongodb://c:d@h2"', '"mongodb://***@h1","mongodb://***@h2"'],
    [
      "mongodb://db/?tls=true&tlsCertificateKeyFilePassword=abc&x=1",
      "mongodb://db/?tls=true&tlsCertificateKeyFilePassword=***&x=1",
    ],
    [
      "mongodb://db/?authMechanismProperties=AWS_SESSION_TOKEN:abc",
      "mongodb://db/?authMechanismProperties=***",
    ],
    ["mongodb://db/?proxyPassword=abc", "mongodb://db/?proxyPassword=***"],
  ] as const
) {
  Deno.test(`redactUri() hides the credentials of ${text}`, () => assertEquals(redactUri(text), expected));
}

for (
  const text of [
    "mongodb://db:27017/x",
    "mongodb+srv://cluster.example.net/?retryWrites=true",
    "write to ops@example.com",
    "http://example.com/a and ops@example.com",
    "",
    "nothing of the kind",
  ]
) {
  Deno.test(`redactUri() leaves ${JSON.stringify(text)} alone`, () => assertEquals(redactUri(text), text));
}

Deno.test("Redactor hides the password in every place, as written and decoded", () => {
  const redact = new Redactor("mongodb://user:s3cr%40t-word@db");
  assertEquals(redact.text("login with s3cr%40t-word failed"), "login with *** failed");
  assertEquals(redact.text("login with s3cr@t-word failed"), "login with *** failed");
  assertEquals(redact.text("user:s3cr%40t-word s3cr%40t-word"), "*** ***");
});

for (
  const password of ['quo"te-word', "back\\slash-word", "a'postrophe-word", "sp ace-word", "pl@in:w/ord"]
) {
  for (const written of [password, encodeURIComponent(password)]) {
    Deno.test(`Redactor hides the password ${written}, in plain text and inside JSON`, () => {
      const uri = `mongodb://user:${written}@db/x`;
      const redact = new Redactor(uri);
      for (const text of [uri, `the password is ${password}`, `the password is ${written}`]) {
        for (const line of [text, JSON.stringify({ message: text }), JSON.stringify(JSON.stringify(text))]) {
          const clean = redact.text(line);
          assertFalse(/word|ace|te-|slash|ostrophe/.test(clean.replace("the password", "")), clean);
        }
      }
    });
  }
}

Deno.test("Redactor hides a password that the parameters of its URI follow with an @", () => {
  const redact = new Redactor("mongodb://user:hunter2@db/x?appName=a@b");
  assertEquals(redact.text("hunter2 was refused"), "*** was refused");
});

Deno.test("Redactor takes a password that is not percent-encoded as it is", () => {
  assertEquals(new Redactor("mongodb://user:100%sure@db").text("100%sure"), "***");
});

Deno.test("Redactor leaves words alone that are too short to be told from others", () => {
  assertEquals(new Redactor("mongodb://user:ab@db").text("about a lab"), "about a lab");
});

Deno.test("Redactor without a connection string still hides the credentials of any URI", () => {
  assertEquals(new Redactor().text("at mongodb://a:b@db"), "at mongodb://***@db");
});

Deno.test("Redactor keeps text as it is if there are no credentials", () => {
  assertEquals(new Redactor("mongodb://db/x").text("db and x stay"), "db and x stay");
});

for (
  const [what, uri, text, expected] of [
    ["the password of a user alone", "mongodb://user:hunter2@db", "hunter2", "***"],
    [
      "the token of a cloud",
      "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abc%2Fdef,X:1",
      "abc/def",
      "***",
    ],
    ["the password of a key", "mongodb://h/?tlsCertificateKeyFilePassword=keyword&x=1", "a keyword", "a ***"],
    ["the password of a proxy", "mongodb://h/?proxyPassword=pr%40xy", "pr@xy pr%40xy", "*** ***"],
    [
      "a header of basic authentication",
      "mongodb://user:hunter2@db",
      `Basic ${btoa("user:hunter2")}`,
      "Basic ***",
    ],
    ["another encoding of it", "mongodb://u:a%2Fb%3Fc@db", "a%2fb%3fc", "***"],
    ["credentials with a short password", "mongodb://a:b@db", "cannot use a:b@db", "cannot use ***@db"],
    ["nothing but these", "mongodb://a:b@db", "a:bc ab 1:b", "a:bc ab 1:b"],
    [
      "a part of a password that is not percent-encoded",
      "mongodb://u:pa/wo?rd/word@host/x",
      "host word/word",
      "host ***/***",
    ],
    ["not the ports of hosts", "mongodb://h1:27017,h2:27018/?appName=a@b", "h2:27018", "h2:27018"],
    [
      "no options of a mechanism",
      "mongodb://h/?authMechanismProperties=CANONICALIZE_HOST_NAME:true",
      "true",
      "true",
    ],
  ] as const
) {
  Deno.test(`Redactor hides ${what}`, () =>
    assertEquals<string>(new Redactor(uri).text(text), expected as string));
}

Deno.test("Redactor learns a second connection string, and still hides the first", () => {
  const redactor = new Redactor("mongodb://user:first-word@db");
  redactor.learn("mongodb://user:second-word@db");
  assertEquals(redactor.text("first-word, second-word"), "***, ***");
});

Deno.test("Redactor remembers the last of many connection strings, and no more of them than it must", () => {
  const redactor = new Redactor();
  for (let count = 1; count <= 1000; count++) {
    redactor.learn(`mongodb://user:word-number-${count}-of-many@db`);
  }
  assertEquals(redactor.text("word-number-1000-of-many"), "***");
  assertEquals(redactor.text("word-number-999-of-many"), "***");
  assertEquals(redactor.text("word-number-1-of-many"), "word-number-1-of-many");
});

Deno.test("Redactor leaves no part of a secret when it cuts a text", () => {
  const password = "abcdefghijklmnop";
  const redactor = new Redactor(`mongodb://user:${password}@db`);
  for (const text of [`say ${password}!`, `say mongodb://user:${password}@db`, `${password} `.repeat(500)]) {
    for (let maxLength = 1; maxLength < 60; maxLength++) {
      const cut = redactor.text(text, maxLength);
      assertFalse(cut.includes("abc"), cut);
      assert(cut.length <= maxLength, cut);
    }
  }
});

Deno.test("Redactor keeps a text up to the limit, and never cuts a character in half", () => {
  const redactor = new Redactor();
  assertEquals(redactor.text("abcde", 5), "abcde");
  assertEquals(redactor.text("abcdef", 5), "abcd…");
  assertEquals(redactor.text("abc😀def", 5), "abc…");
});

for (const text of ["http://".repeat(200_000), "://" + "a".repeat(1_000_000), "@:// ".repeat(200_000)]) {
  Deno.test(`redactUri() reads a million characters of ${text.slice(0, 8)} in one go`, () => {
    // In time that grows with the square of the length this would take hours.
    assertEquals(redactUri(text), text);
  });
}

const ODD_PASSWORDS = [
  ...[
    "1000",
    "true",
    "null",
    '"',
    "\\",
    "level",
    "e",
    "",
    "message",
    "ERROR",
    "2026",
    "T",
    ":",
    "{}",
    "***",
    "****",
  ],
  ...[
    "a\nb-c",
    "pässwörd-ß",
    "😀😀😀😀",
    "\u0000\u0001\u0002\u0003",
    "$&$1$$",
    ".*+?^${}()|[]",
    "\ud800abcd",
    "%41%42%43%44",
  ],
];

/** A password of characters that are hard on JSON, URIs and regular expressions. */
function randomPassword(random: () => number): string {
  const characters = [...'ab1"\\/@:%?#&= \n\t{}[]()|^$.*+-_,~é😀\u2028'];
  return Array.from({ length: integerFrom(random, 1, 12) }, () => pick(random, characters)).join("");
}

/** A secret as the name of fields, at every place that may hold an object. */
function namesOf(secret: string): unknown {
  class Failure extends Error {
    readonly details = { [secret]: 1 };
  }
  const named = { [secret]: 1, [`${secret}.id`]: { [secret]: [{ [secret]: new Map([[secret, 2]]) }] } };
  return { named, [secret]: named, failure: { ...new Failure("said") }, made: { toJSON: () => named } };
}

/** The names of all fields of a value, and its texts. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...textsIn(each)]);
}

interface Quoted {
  uri: string;
  password: string;
  quoted: string;
}

function lineOf(format: LogFormat, { uri, password, quoted }: Quoted): string {
  const fields = {
    uri,
    nested: { list: [quoted, { [quoted]: quoted }], error: new Error(quoted) },
    names: namesOf(password),
    number: 1000,
    yes: true,
  };
  const time = new Date("2026-01-02T03:04:05.678Z");
  return logLine(format, { level: "ERROR", message: quoted, fields, time, redactor: new Redactor(uri) });
}

Deno.test("logLine() stays JSON with its time and level, and hides any password", () => {
  const random = testRandom(10);
  const passwords = [...ODD_PASSWORDS, ...Array.from({ length: rounds(88) }, () => randomPassword(random))];
  for (const password of passwords) {
    const encoded = password.isWellFormed() ? encodeURIComponent(password) : password;
    for (const written of new Set([password, encoded])) {
      const uri = `mongodb://user:${written}@host/x`;
      const line = lineOf("json", { uri, password, quoted: `<${uri}> <${password}> <${written}>` });
      const { time, level, number, yes, message, nested, names } = JSON.parse(line);
      assertEquals([time, level, number, yes], ["2026-01-02T03:04:05.678Z", "ERROR", 1000, true]);
      assertFalse(/[\n\r]/.test(line));
      if (password.length < 4) continue;
      for (
        const text of [message, nested.error, nested.list[0], ...textsIn(nested.list[1]), ...textsIn(names)]
      ) {
        for (const secret of [password, written]) {
          // What hides it may hold it: a password of stars.
          assertFalse(text.replaceAll("***", "").includes(secret), `${JSON.stringify(secret)} in ${text}`);
        }
      }
    }
  }
});

Deno.test("Redactor hides learnt values in each of their forms, those before them too, and no short words", () => {
  const redact = new Redactor("mongodb://user:pass-word@db");
  redact.learnValues("HTTP_HEADERS_FILE", ['t0ken "one"', "yes"]);
  redact.learnValues("HTTP_HEADERS_FILE", ["t0ken-two"]);
  redact.learnValues("HTTP_SIGNING_SECRET_FILE", ["whsec_abcdefgh"]);
  const said = 't0ken "one", t0ken \\"one\\", t0ken%20%22one%22, t0ken-two, whsec_abcdefgh, pass-word: yes';
  assertEquals(redact.text(said), "***, ***, ***, ***, ***, ***: yes");
});

Deno.test("Redactor keeps the secrets of the connection string however many other values are replaced", () => {
  const redact = new Redactor("mongodb://user:pass-word@db");
  for (let count = 0; count < 100; count++) redact.learnValues("HTTP_HEADERS_FILE", [`token-${count}-`]);
  assertEquals(redact.text("pass-word token-99- token-0-"), "*** *** token-0-");
});

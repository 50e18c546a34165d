import { assertEquals, assertFalse } from "@std/assert";
import { redactor, redactUri } from "../../../agent/redact.ts";

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

Deno.test("redactor() hides the password wherever it turns up, as written and decoded", () => {
  const redact = redactor("mongodb://user:s3cr%40t-word@db");
  assertEquals(redact("login with s3cr%40t-word failed"), "login with *** failed");
  assertEquals(redact("login with s3cr@t-word failed"), "login with *** failed");
  assertEquals(redact("user:s3cr%40t-word s3cr%40t-word"), "*** ***");
});

for (
  const password of ['quo"te-word', "back\\slash-word", "a'postrophe-word", "sp ace-word", "pl@in:w/ord"]
) {
  for (const written of [password, encodeURIComponent(password)]) {
    Deno.test(`redactor() hides the password ${written}, in plain text and inside JSON`, () => {
      const uri = `mongodb://user:${written}@db/x`;
      const redact = redactor(uri);
      for (const text of [uri, `the password is ${password}`, `the password is ${written}`]) {
        for (const line of [text, JSON.stringify({ message: text }), JSON.stringify(JSON.stringify(text))]) {
          const clean = redact(line);
          assertFalse(/word|ace|te-|slash|ostrophe/.test(clean.replace("the password", "")), clean);
        }
      }
    });
  }
}

Deno.test("redactor() hides a password that the parameters of its URI follow with an @", () => {
  const redact = redactor("mongodb://user:hunter2@db/x?appName=a@b");
  assertEquals(redact("hunter2 was refused"), "*** was refused");
});

Deno.test("redactor() takes a password that is no percent-encoding as it stands", () => {
  assertEquals(redactor("mongodb://user:100%sure@db")("100%sure"), "***");
});

Deno.test("redactor() leaves words alone that are too short to be told from others", () => {
  assertEquals(redactor("mongodb://user:ab@db")("about a lab"), "about a lab");
});

Deno.test("redactor() without a connection string still hides the credentials of any URI", () => {
  assertEquals(redactor(undefined)("at mongodb://a:b@db"), "at mongodb://***@db");
});

Deno.test("redactor() keeps text as it is where there are no credentials", () => {
  assertEquals(redactor("mongodb://db/x")("db and x stay"), "db and x stay");
});

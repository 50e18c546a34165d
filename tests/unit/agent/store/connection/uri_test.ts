import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { sameServers, uriProblem } from "../../../../../agent/store/connection/uri.ts";
import { settingsAndProcessor } from "../../../../../control/commands/checked_settings.ts";
import { pick, rounds, testRandom } from "../../../../support/random.ts";
import "../../../../support/first_client.ts";

/** What cannot work in this program, and the way out that is told. */
const REFUSED: Record<string, string> = {
  "mongodb://host/?compressors=snappy": "has no compressor snappy: take compressors=zlib,zstd, or none",
  "mongodb://host/?compressors=zstd,snappy,zlib": "has no compressor snappy",
  "mongodb://host/?COMPRESSORS=Snappy": "has no compressor snappy",
  "mongodb://user%40REALM@host/?authMechanism=GSSAPI":
    "authMechanism=GSSAPI does not work in this program: Kerberos",
  "mongodb://host/?authMechanism=MONGODB-AWS":
    "authMechanism=MONGODB-AWS does not work in this program: it needs the AWS",
  "mongodb://key:secret@host/?authmechanism=MONGODB-AWS&authSource=$external": "MONGODB-AWS does not work",
  "mongodb://host/?proxyHost=socks.example": "proxyHost does not work in this program: SOCKS",
  "mongodb://host/?tls=true&tlsCRLFile=/etc/crl.pem": "tlsCRLFile does not work in this program",
  "mongodb://host/?compressors=ZLIB": "compressors names one that does not exist: take compressors=zlib,zstd",
  "mongodb://u:password@host/?authMechanism=MONGODB-CR":
    "authMechanism names none that MongoDB has: take SCRAM",
  "mongodb://host/?authMechanism=SCRAM-SHA-256":
    "authMechanism=SCRAM-SHA-256 logs in by a user and a password, and there are none: write USER:PASSWORD@",
  "mongodb://host/?authMechanism=plain": "authMechanism=PLAIN logs in by a user and a password",
  "mongodb://user@host/": "there is a user without a password: write USER:PASSWORD@ in front of the host",
  "mongodb://user:@host/?authMechanism=SCRAM-SHA-1": "there is a user without a password",
  "mongodb://host/?authMechanismProperties=SERVICE_NAME:x": "authMechanismProperties stands there without",
  "mongodb://host/?authMechanism=MONGODB-X509": "name its file with tls=true&tlsCertificateKeyFile=FILE",
  "mongodb://host/?tls=true&authMechanism=MONGODB-X509":
    "name its file with tls=true&tlsCertificateKeyFile=FILE",
  "mongodb://u:password@host/?tls=true&authMechanism=MONGODB-X509":
    "logs in by a certificate: remove the password",
  "mongodb://u:password@host/?authMechanism=MONGODB-OIDC": "logs in by a token: remove the password",
  "mongodb://host/?authMechanism=MONGODB-OIDC":
    "set authMechanismProperties=ENVIRONMENT:k8s, or azure or gcp",
  "mongodb://host/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:aws": "ENVIRONMENT:k8s",
  "mongodb://host/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp":
    "set authMechanismProperties=ENVIRONMENT:gcp,TOKEN_RESOURCE:NAME",
  "mongodb://user:<password>@host/":
    "is still the placeholder of a template, or of a variable that is not set",
  "mongodb://$(MONGO_USER):$(MONGO_PASSWORD)@host/": "is still the placeholder",
  "mongodb+srv://user:${DB_PASSWORD}@host.example.net/": "is still the placeholder",
  "mongodb://{{ .Values.user }}:x@host/": "is still the placeholder",
  "mongodb://host/?autoEncryption=true": "MONGODB_URI cannot be used: ",
  "mongodb://host/?tlsInsecure=true":
    "tlsInsecure does nothing without tls=true, and all would travel as it is: add tls=true, or tls=false if",
  "mongodb://host/?tls=true&tlsCAFile=/nowhere/ca.pem":
    'tlsCAFile names "/nowhere/ca.pem", which does not exist: check the path and the mount',
  "mongodb://host/?tls=true&tlsCAFile=nowhere/ca.pem":
    `tlsCAFile names "${Deno.cwd()}/nowhere/ca.pem", which does not`,
  "mongodb://host/?tls=true&tlsCAFile=/tmp": 'tlsCAFile names "/tmp", which cannot be read (',
  "mongodb://host/?tls=true&tlsCAFile=/etc/hostname": "which holds no certificate as PEM",
  "mongodb://host/?tls=true&tlsCertificateKeyFile=/etc/hostname":
    "which holds no certificate and no private key as PEM",
  "mongodb://u:p@ss@host/": "percent-encoding",
  "mongodb://u:p@ss/w@host/": "percent-encoding",
  "mongodb://u:p/w@host/": "percent-encoding",
  "mongodb://u:p?w@host/": "percent-encoding",
  "mongodb://u:p#w@host/": "percent-encoding",
  "mongodb://u:p:w@host/": "percent-encoding",
  "mongodb://u:p%w@host/": "percent-encoding",
  "mongodb://u:p%ffw@host/": "percent-encoding",
  "mongodb://u:p[w@host/": "percent-encoding",
  "mongodb://u:password/": "if that is a password, the @ behind it and the host are missing",
  "mongodb://host:99999999/": "a port is not a number from 1 to 65535",
};

for (const [uri, says] of Object.entries(REFUSED)) {
  Deno.test(`uriProblem() of ${uri} says what is wrong and the way out`, () => {
    const problems = uriProblem(uri);
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, says);
  });
}

Deno.test("uriProblem() names MONGODB_URI_FILE if the connection string comes from there", () => {
  for (const uri of ['"mongodb://host/"', "mongodb://u:p@ss@host/", "mongodb://host/?compressors=snappy"]) {
    const [problem] = uriProblem(uri, "MONGODB_URI_FILE");
    assert(problem!.startsWith("The content of MONGODB_URI_FILE "), problem);
  }
});

Deno.test("uriProblem() refuses what is too long for a connection string, and quotes nothing of it", () => {
  const part = "aZ".repeat(35_000);
  for (const uri of [`mongodb://user:${part}@host/`, `mongodb://host/?option=${part}`, part]) {
    const problems = uriProblem(uri);
    assertEquals(problems.length, 1);
    assert(problems[0]!.startsWith("MONGODB_URI is not a connection string: "), problems[0]!.slice(0, 200));
    assertFalse(problems[0]!.includes("aZaZ"));
  }
});

const FINE = [
  "mongodb://localhost",
  "mongodb://localhost:27017/?replicaSet=rs0",
  "mongodb://a,b:27018,[::1]:27019/db?replicaSet=rs0&w=1",
  "mongodb+srv://user:password@cluster.example.net/?retryWrites=true",
  "mongodb://user:p%40ss%3Aw%2Frd%25@host/?authSource=admin",
  "mongodb://user:plain!$&'()*+,;=-._~@host/",
  "mongodb://host/?compressors=zstd,zlib",
  "mongodb://user:password@host/?authMechanism=SCRAM-SHA-256",
  "mongodb://host/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s",
  "mongodb://host/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp,TOKEN_RESOURCE:x",
  "mongodb://host/?authMechanism=DEFAULT&authSource=admin",
  "mongodb://user:%3Cpassword%3E@host/",
  "mongodb://user:a$(b)c@host/",
  "mongodb://host/?enableUtf8Validation=false",
  "mongodb://host/?tls=false&tlsInsecure=true",
  "mongodb://host/?tlsInsecure=false",
  "mongodb+srv://host.example.net/?tlsInsecure=true",
  "mongodb://host/?ssl=true&tlsAllowInvalidHostnames=true",
];

for (const uri of FINE) {
  Deno.test(`uriProblem() finds nothing wrong with ${uri}`, () => assertEquals(uriProblem(uri), []));
}

Deno.test("sameServers() takes a change of credentials and members for the same servers, and other hosts for others", () => {
  const uri = "mongodb://u:one@a,b/?replicaSet=rs0";
  assert(sameServers(uri, "mongodb://v:two@b,c/?replicaSet=rs0&tls=true"));
  assertFalse(sameServers(uri, "mongodb://u:one@c/?replicaSet=rs0"));
  assertFalse(sameServers(uri, "mongodb+srv://u:one@a/"));
  assertFalse(sameServers(uri, "no connection string"));
});

/** Letters that no message has next to each other, and every character with a meaning of its own. */
const RARE = "QXZJKV789";
const SPECIAL = "@@@//::??##%%[]&&==+,;!$'()*\\\"<>{}|^` ~äß\u{1f512}";

function randomPassword(random: () => number): string {
  const length = 6 + Math.floor(random() * 14);
  return Array.from({ length }, () => pick(random, [...(random() < 0.7 ? RARE : SPECIAL)])).join("");
}

/** Parts of a password that say something of it: four characters, two of which stand in no message. */
function telling(password: string): string[] {
  const characters = [...password];
  const parts = characters.map((_, at) => characters.slice(at, at + 4).join(""));
  return parts.filter((part) =>
    [...part].length === 4 && [...part].filter((each) => RARE.includes(each)).length >= 2
  );
}

const HOSTS = ["host", "a:27017,b:27018", "127.0.0.1:1", "[::1]", "host:x", ""];
const TAILS = [
  "",
  "/",
  "/db",
  "/?replicaSet=rs0",
  "/?w=1&wibble=2",
  "/db?tls=true&tls=false",
  "/?replicaSet",
];

/** Ways to write a password into a connection string, right and wrong. */
const WRITTEN: ((password: string, host: string, tail: string) => string)[] = [
  (password, host, tail) => `mongodb://user:${password}@${host}${tail}`,
  (password, host, tail) => `mongodb://${password}:x@${host}${tail}`,
  (password, host, tail) => `mongodb+srv://user:${password}@${host}${tail}`,
  (password, host, tail) => `mongodb://user:${encodeURIComponent(password)}@${host}${tail}`,
  (password, _, tail) => `mongodb://user:${password}${tail}`,
  (password, host, tail) =>
    `mongodb://${host}${tail || "/"}${tail.includes("?") ? "&" : "?"}proxyPassword=${password}`,
];

function randomUri(random: () => number): { uri: string; password: string } {
  const password = randomPassword(random);
  return { password, uri: pick(random, WRITTEN)(password, pick(random, HOSTS), pick(random, TAILS)) };
}

function assertHidden(password: string, said: string, uri: string): void {
  for (const part of telling(password)) {
    for (const form of [part, encodeURIComponent(part)]) {
      assertFalse(said.includes(form), `${uri} gives ${said}`);
    }
  }
}

Deno.test(
  "uriProblem() quotes no four characters of a password, however it is written into the string",
  () => {
    const random = testRandom();
    for (let round = 0; round < rounds(375); round++) {
      const { password, uri } = randomUri(random);
      assertHidden(password, uriProblem(uri).join(), uri);
    }
  },
);

Deno.test(
  "settingsAndProcessor() shows no four characters of a password, however it is written into MONGODB_URI",
  async () => {
    const random = testRandom();
    for (let round = 0; round < 40; round++) {
      const { password, uri } = randomUri(random);
      const env: Record<string, string> = {
        MONGODB_URI: uri,
        MONGODB_DATABASE: "shop",
        MONGODB_COLLECTION: "orders",
        BATCH_SIZE: "x",
      };
      const error = await settingsAndProcessor((name) => env[name]).then(
        () => undefined,
        (error) => error as Error,
      );
      assertStringIncludes(error!.message, "BATCH_SIZE");
      assertHidden(password, error!.message, uri);
    }
  },
);

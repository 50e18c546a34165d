import { SETTINGS } from "../../agent/settings/settings.ts";
import { integerFrom, pick } from "../support/random.ts";

/** An environment; `{home}` stands for a directory of the trial's own, `{host}` for the server's address. */
export interface SettingsInput {
  variables: [string, string][];
  /** Texts that must not turn up anywhere. */
  secrets: string[];
}

/** Values that settings have in real life, from which odd ones are made. */
const REAL = [
  ...[
    "5",
    "0.5",
    "500ms",
    "2m",
    "1h",
    "true",
    "false",
    "yes",
    "DEBUG",
    "json",
    "text",
    "auto",
    "off",
    "always",
  ],
  ...["orders", "my db", "a.b", "{}", '{"kind":"order"}', '{"at":{"$gt":{"$date":"2026-01-01T00:00:00Z"}}}'],
  ...["log", "custom", "module:{home}/good.js", "module:{home}/batch.mjs", "module:{home}/both.js"],
  ...["module:{home}/none.js", "module:{home}/throws.js", "module:{home}/odd.js", "module:{home}/syntax.js"],
  ...[
    "module:{home}/import.js",
    "module:{home}/binary",
    "module:{home}",
    "module:",
    "module:x.ts",
    "{home}/uri",
  ],
  ...["{home}/empty", "{home}/binary", "{home}", "{home}/nothing", "/dev/null", "tcp://10.0.0.1:80"],
];

/** Values that no one means. */
const ODD = [
  ...[
    "",
    " ",
    "\t",
    "-1",
    "0",
    "1e3",
    "1e400",
    "NaN",
    "Infinity",
    "0x10",
    "٣",
    "99999999999999999999",
    "5 s",
    "5sec",
  ],
  ...[
    "null",
    "undefined",
    "[]",
    "{",
    '"',
    '{"$where":"sleep(1e9)"}',
    '{"$oid":1}',
    '{"a":{"$numberLong":"x"}}',
  ],
  ...[
    '{"$and":[]}',
    '{"$foo":1}',
    '{"__proto__":{"a":1}}',
    '{"a":{"$regex":"("}}',
    '{"$text":{"$search":"a"}}',
  ],
  ...[
    "\u0001\u001b[2J",
    "\u202e",
    "\u{1f600}",
    "é".repeat(200),
    "x".repeat(5000),
    "a\nb",
    "a\r\nb",
    "$(id)",
    "`id`",
  ],
  ...[
    "../../etc/passwd",
    "/proc/self/mem",
    "/proc/self/environ",
    "system.users",
    "$cmd",
    ".",
    "a..b",
    "a/b",
    "a\\b",
  ],
];

/** Names that are near those of settings, and some of other programs. */
const NEAR = [
  "PROCESOR",
  "MONGO_URI",
  "MONGODB_URL",
  "MAX_ATTEMPT",
  "BATCHSIZE",
  "FILTERS",
  "TZ",
  "DENO_DIR",
];

/** Parts of passwords that can be told from anything else, and what may stand between them. */
const BETWEEN = [
  "",
  "@",
  ":",
  "/",
  "?",
  "#",
  "[",
  "]",
  "%",
  "%40",
  "&",
  "=",
  " ",
  "\\",
  '"',
  "'",
  "\n",
  "é",
  "$",
  ",",
];

/** A few settings of a working agent, and others of any kind. */
export function randomSettingsEnvironment(random: () => number): SettingsInput {
  const variables = new Map<string, string>();
  const names = Object.values(SETTINGS).map(({ variable }) => variable);
  for (let count = integerFrom(random, 0, 4); count > 0; count--) {
    const name = random() < 0.1 ? pick(random, NEAR) : pick(random, names);
    // These two are places: what is there may be overwritten.
    const isPlace = name === "HEALTH_DIR" || name === "CONTROL_FILE";
    variables.set(name, isPlace ? randomPlace(random) : withoutNul(randomValue(random)));
  }
  const secrets: string[] = [];
  if (random() < 0.6) {
    const parts = Array.from(
      { length: integerFrom(random, 1, 3) },
      (_, index) => `sEcReT${index}x${letters(random)}`,
    );
    secrets.push(...parts);
    const password = parts.reduce((text, part) => text + pick(random, BETWEEN) + part);
    const uri = randomUri(random, password);
    variables.delete("MONGODB_URI_FILE");
    variables.set("MONGODB_URI", uri);
  }
  return { variables: [...variables], secrets };
}

function randomUri(random: () => number, password: string): string {
  const written = random() < 0.4 ? encodeURIComponent(password) : password;
  const user = pick(random, ["someone", "some%40one", "some one", "", "a:b"]);
  const host = pick(random, [
    "{host}",
    "127.0.0.1:1",
    "no-such-host.invalid",
    "host:99999999",
    "",
    "a,b",
    "[::1]:1",
  ]);
  const scheme = pick(random, [
    "mongodb://",
    "mongodb://",
    "mongodb://",
    "mongodb+srv://",
    "http://",
    "",
    "mongodb:/",
  ]);
  const options = Array.from({ length: integerFrom(random, 0, 2) }, () => pick(random, OPTIONS));
  const query = options.join("&").replaceAll("{secret}", () => written);
  return withoutNul(
    `${scheme}${user}:${written}@${host}/${pick(random, ["", "admin", "a/b"])}${query && `?${query}`}`,
  );
}

const OPTIONS = [
  ...[
    "directConnection=true",
    "replicaSet=rs0",
    "w=1",
    "w=majority",
    "readPreference=secondary",
    "tls=true",
    "x=1",
  ],
  ...[
    "authSource=admin",
    "authMechanism=PLAIN",
    "authMechanism=GSSAPI",
    "authMechanism=MONGODB-AWS",
    "appName=a%20b",
  ],
  ...[
    "authMechanism=MONGODB-X509",
    "compressors=snappy",
    "compressors=zstd,zlib",
    "tlsCAFile=/nowhere",
    "maxPoolSize=x",
  ],
  ...[
    "authMechanismProperties=AWS_SESSION_TOKEN:{secret}",
    "tlsCertificateKeyFilePassword={secret}",
    "retryWrites=false",
  ],
  ...[
    "proxyHost=127.0.0.1",
    "proxyPassword={secret}",
    "serverSelectionTimeoutMS=1",
    "socketTimeoutMS=-1",
    "=",
    "w",
    "%",
  ],
  ...[
    "loadBalanced=true",
    "srvServiceName=x",
    "readConcernLevel=linearizable",
    "timeoutMS=1",
    "w=majority&w=1",
  ],
];

function randomPlace(random: () => number): string {
  const places = [
    "{home}/health",
    "{home}/new/deep/dir",
    "{home}/uri",
    "{home}/uri/x",
    "/dev/null",
    "/proc/nothing",
  ];
  return pick(random, [
    ...places,
    "/dev/null/x",
    `{home}/${"d".repeat(300)}`,
    "{home}/\u001b[2J",
    "{home}/a b",
  ]);
}

function randomValue(random: () => number): string {
  const kind = random();
  if (kind < 0.45) return pick(random, REAL);
  if (kind < 0.7) return pick(random, ODD);
  return mutated(random, pick(random, REAL));
}

/** The same with a few characters more, fewer or others. */
function mutated(random: () => number, text: string): string {
  let mutant = text;
  for (let count = integerFrom(random, 1, 3); count > 0; count--) {
    const at = integerFrom(random, 0, mutant.length);
    const more = random() < 0.5
      ? String.fromCodePoint(integerFrom(random, 1, 0xd7ff))
      : pick(random, [...ODD, ...REAL]);
    mutant = mutant.slice(0, at) + (random() < 0.6 ? more : "") +
      mutant.slice(at + integerFrom(random, 0, 2));
  }
  return mutant;
}

/** An environment cannot hold it. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}

function letters(random: () => number): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(integerFrom(random, 97, 122))).join("");
}

const HIDDEN = "***";

/** Parameters of a connection string whose values are secret. */
const SECRET_PARAMETERS =
  /([?&](?:tlsCertificateKeyFilePassword|proxyPassword|authMechanismProperties)=)[^&\s"']*/gi;

/**
 * Makes a function that hides the credentials of a connection string wherever they turn up in a text: the string
 * itself, its user and password together, and the password alone, as written or decoded.
 */
export function redactor(uri: string | undefined): (text: string) => string {
  const secrets = uri ? secretsOf(uri) : [];
  return (text) => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, HIDDEN);
    return redactUri(clean);
  };
}

/** Hides the credentials of every URI in a text. */
export function redactUri(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s"'@]*(?:@[^\s"'@]*)*@/gi, `$1${HIDDEN}@`)
    .replace(SECRET_PARAMETERS, `$1${HIDDEN}`);
}

/** Shorter ones would hide innocent words as well; they still go with the URI they stand in. */
const MIN_SECRET_LENGTH = 4;

/** Texts quoted as JSON, and quoted once more where an error message within a log line had done so already. */
const QUOTINGS = 2;

/** Every form in which the credentials may turn up, the longest first, so that none leaves a part of another. */
function secretsOf(uri: string): string[] {
  const found = new Set<string>();
  // Up to the last @, since a password may contain one; up to the first, since the parameters may.
  for (const pattern of [/^[a-z0-9+]+:\/\/(.*)@/is, /^[a-z0-9+]+:\/\/([^@]*)@/i]) {
    const credentials = pattern.exec(uri)?.[1] ?? "";
    if (!credentials.includes(":")) continue;
    const password = credentials.slice(credentials.indexOf(":") + 1);
    for (const written of [credentials, password]) {
      for (const text of [written, decoded(written)]) {
        let form = text;
        found.add(form);
        for (let quoted = 0; quoted < QUOTINGS; quoted++) found.add(form = JSON.stringify(form).slice(1, -1));
      }
    }
  }
  return [...found].filter((secret) => secret.length >= MIN_SECRET_LENGTH).sort((a, b) =>
    b.length - a.length
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded after all: then it can only turn up as it was written.
    return text;
  }
}

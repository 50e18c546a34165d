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

function secretsOf(uri: string): string[] {
  const credentials = /^[a-z0-9+]+:\/\/([^\s]*)@/i.exec(uri)?.[1];
  if (!credentials) return [];
  const password = credentials.slice(credentials.indexOf(":") + 1);
  const found = credentials.includes(":") ? [credentials, password] : [];
  try {
    found.push(...found.map(decodeURIComponent));
  } catch {
    // Not percent-encoded after all: then it can only turn up as it was written.
  }
  return [...new Set(found)].filter((secret) => secret.length >= MIN_SECRET_LENGTH);
}

/** The secrets of a connection string, as texts to look for. */
export interface SecretForms {
  /** To be hidden in every place. */
  anywhere: Set<string>;
  /** Too short to be told from innocent words: to be hidden in front of an `@`. */
  beforeAt: Set<string>;
}

/** Shorter ones would hide innocent words as well. */
const MIN_LENGTH = 4;

/** Texts quoted as JSON, and quoted once more inside a message that had done so already. */
const QUOTINGS = 2;

/** Every form of the secrets of a connection string: as written, decoded, encoded again, quoted. */
export function secretForms(uri: string): SecretForms {
  const forms: SecretForms = { anywhere: new Set(), beforeAt: new Set() };
  for (const credentials of credentialsOf(uri)) addCredentials(credentials, forms);
  for (const value of secretParameters(uri)) addAll(value, forms.anywhere);
  for (const form of forms.anywhere) if (form.length < MIN_LENGTH) forms.anywhere.delete(form);
  return forms;
}

/** A secret that is no part of a URI has this length at least: shorter values would hide innocent words. */
const MIN_VALUE = 6;

/** Every form of secrets that stand by themselves, such as tokens. */
export function formsOf(values: readonly string[]): Set<string> {
  const forms = new Set<string>();
  for (const value of values) if (value.length >= MIN_VALUE) addAll(value, forms);
  return forms;
}

/**
 * User and password if there are both, in two readings: up to the last `@`, since a password may hold one, and up to
 * the first, since the parameters may.
 */
function credentialsOf(uri: string): Set<string> {
  const found = [/^(?:[a-z0-9+.-]+:\/\/)?(.*)@/is, /^(?:[a-z0-9+.-]+:\/\/)?([^@]*)@/i]
    .map((pattern) => pattern.exec(uri)?.[1] ?? "");
  return new Set(found.filter((credentials) => credentials.includes(":")));
}

function addCredentials(credentials: string, { anywhere, beforeAt }: SecretForms): void {
  const colon = credentials.indexOf(":");
  const password = credentials.slice(colon + 1);
  for (const form of encodings(credentials)) beforeAt.add(form);
  if (password === "") return;
  addAll(credentials, anywhere);
  addAll(password, anywhere);
  for (const piece of piecesOf(password)) addAll(piece, anywhere);
  const plain = `${decoded(credentials.slice(0, colon))}:${decoded(password)}`;
  for (const form of [...base64(plain), ...base64(decoded(password))]) anywhere.add(form);
}

/**
 * The parts of a password that should have been percent-encoded, between the marks of a URI: a message about such a URI
 * may take a part for a host, a port or a database. A port with parameters behind it is not a password.
 */
function piecesOf(password: string): string[] {
  if (/^\d{1,5}(,|\/)/.test(password) || password.includes("/?")) return [];
  const pieces = password.split(/[@/:?#&=,\s]+/);
  return pieces.length > 1 ? pieces : [];
}

function secretParameters(uri: string): string[] {
  const found: string[] = [];
  for (const [, name, value] of uri.matchAll(/[?&]([a-z]+)=([^&]*)/gi)) {
    if (/^(tlsCertificateKeyFilePassword|proxyPassword)$/i.test(name!)) found.push(value!);
    if (!/^authMechanismProperties$/i.test(name!)) continue;
    const token = /(?:^|,)AWS_SESSION_TOKEN:([^,]*)/i.exec(decoded(value!))?.[1];
    if (token !== undefined) found.push(token);
  }
  return found;
}

function addAll(secret: string, forms: Set<string>): void {
  for (const text of encodings(secret)) {
    let form = text;
    forms.add(form);
    for (let quoted = 0; quoted < QUOTINGS; quoted++) forms.add(form = JSON.stringify(form).slice(1, -1));
  }
}

/** A text as written, decoded, and percent-encoded in the ways that programs use. */
function encodings(written: string): Set<string> {
  const plain = decoded(written);
  const found = new Set([written, plain]);
  // What UTF-8 cannot hold (half a character) has no encoding.
  if (!plain.isWellFormed()) return found;
  const encoded = encodeURIComponent(plain);
  const lower = encoded.replace(/%../g, (escape) => escape.toLowerCase());
  for (const form of [encoded, lower, encodeURI(plain), asUrlPassword(plain)]) found.add(form);
  return found;
}

function asUrlPassword(plain: string): string {
  const url = new URL("http://user@host");
  url.password = plain;
  return url.password;
}

function base64(text: string): string[] {
  if (text.length < MIN_LENGTH) return [];
  // Without the padding: a program may leave it out, and the padding alone tells nothing.
  const plain = new TextEncoder().encode(text).toBase64({ omitPadding: true });
  return [plain, plain.replaceAll("+", "-").replaceAll("/", "_")];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It was not percent-encoded: then it appears only as it was written.
    return text;
  }
}

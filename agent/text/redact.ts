import { formsOf, secretForms } from "./secret_forms.ts";

declare const redacted: unique symbol;

/**
 * Text that holds no secret: only such text may leave the process as the text of an error. Only a {@linkcode Redactor}
 * makes it, so that a text that was never cleaned does not pass the type check.
 */
export type SafeText = string & { readonly [redacted]: true };

const HIDDEN = "***";

/** Parameters of a connection string whose values are secret. */
const SECRET_PARAMETERS =
  /([?&](?:tlsCertificateKeyFilePassword|proxyPassword|authMechanismProperties)=)[^&\s"']*/gi;

/** Text is first cut this far behind the limit, in UTF-16 units: room for a long secret. */
const MIN_MARGIN = 1024;

/** Connection strings whose secrets are known, at most: in an agent that runs for months, credentials rotate. */
const MAX_LEARNT = 16;

/** Hides the secrets that it knows, and the credentials of every URI, in any text. */
export class Redactor {
  /** For each connection string the patterns of its secrets, the oldest first. */
  readonly #learnt = new Map<string, readonly string[]>();
  /** The same for each group of other secrets, by the place that they come from. */
  readonly #values = new Map<string, (readonly string[])[]>();
  #pattern: RegExp | undefined;
  #margin = MIN_MARGIN;

  /** Knows the secrets of these connection strings from the start. */
  constructor(...uris: string[]) {
    for (const uri of uris) this.learn(uri);
  }

  /** Hides the secrets of a connection string from now on, in each of their forms. */
  learn(uri: string): void {
    const { anywhere, beforeAt } = secretForms(uri);
    this.#learnt.delete(uri);
    this.#learnt.set(uri, [
      ...[...anywhere].map((secret) => RegExp.escape(secret)),
      // A short secret is found in innocent words as well. Before an @ it is not a word.
      ...[...beforeAt].map((secret) => `${RegExp.escape(secret)}(?=@)`),
    ]);
    // Each known secret costs time in every line, and a secret that was replaced many times since opens nothing any
    // more.
    if (this.#learnt.size > MAX_LEARNT) this.#learnt.delete(this.#learnt.keys().next().value!);
    this.#compile();
  }

  /**
   * Hides these secrets from now on, in each of their forms, such as the values of headers that a file holds. Those
   * that were learnt before from the same `place` stay hidden: they may be in use still.
   */
  learnValues(place: string, values: readonly string[]): void {
    const patterns = [...formsOf(values)].map((secret) => RegExp.escape(secret));
    this.#values.set(place, [...this.#values.get(place) ?? [], patterns].slice(-MAX_LEARNT));
    this.#compile();
  }

  #compile(): void {
    // The longest first, so that no secret leaves a part of another.
    const all = [...this.#learnt.values(), ...[...this.#values.values()].flat()];
    const sources = [...new Set(all.flat())].sort((a, b) => b.length - a.length);
    if (sources.length === 0) return;
    this.#pattern = new RegExp(sources.join("|"), "g");
    this.#margin = Math.max(MIN_MARGIN, sources[0]!.length);
  }

  /**
   * The text without secrets, at most `maxLength` UTF-16 units long. It is cleaned before it is cut: a cut through a
   * secret would leave a part of it that nothing recognises.
   */
  text(text: string, maxLength = Infinity): SafeText {
    const isCut = text.length > maxLength + this.#margin;
    const raw = isCut ? text.slice(0, maxLength + this.#margin) : text;
    const clean = redactUri(this.#pattern ? raw.replace(this.#pattern, HIDDEN) : raw);
    // The first cut may have gone through a secret at the end.
    return shortened(isCut ? clean.slice(0, -this.#margin) : clean, maxLength, isCut) as SafeText;
  }
}

/** The secrets of this process: every text that leaves it goes through here. */
export const secrets = new Redactor();

function shortened(text: string, maxLength: number, isCut: boolean): string {
  if (text.length <= maxLength && !isCut) return text;
  // A cut through a surrogate pair would leave half a character, which UTF-8 cannot hold.
  return text.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, "") + "…";
}

/** The end of a URI in a text. */
const END_OF_URI = /[\s"']|$/g;

/** Hides the credentials of every URI in a text. Linear in its length: anything may be thrown and logged. */
export function redactUri(text: string): string {
  let at = text.indexOf("://");
  if (at < 0) return text;
  let [clean, done] = ["", 0];
  while (at >= 0) {
    const from = at + 3;
    END_OF_URI.lastIndex = from;
    const end = END_OF_URI.exec(text)!.index;
    const last = text.slice(from, end).lastIndexOf("@");
    if (last >= 0) {
      clean += text.slice(done, from) + HIDDEN;
      done = from + last;
    }
    at = text.indexOf("://", end);
  }
  return (clean + text.slice(done)).replace(SECRET_PARAMETERS, `$1${HIDDEN}`);
}

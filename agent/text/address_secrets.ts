import { secrets } from "./redact.ts";

/** Values of a query that are shorter than this, in UTF-16 units, are words rather than secrets. */
const MIN_SECRET = 8;

/**
 * Hides the credentials and the query of an address, the value of `variable`, in every output from now on. Call it
 * before the address is looked at: a message about one that cannot be used quotes it.
 */
export function hideSecretsOfAddress(variable: string, text: string): void {
  const url = URL.parse(text);
  // Without credentials, an @ of the path would be taken for the end of some.
  if (url === null || url.username !== "" || url.password !== "") secrets.learn(text);
  const values = queryValuesOf(text).filter((value) => value.length >= MIN_SECRET);
  secrets.learnValues(variable, [...values, ...values.map(encodeURIComponent)]);
}

/** As written and decoded, also of a text that is no address, or that goes on with a fragment. */
function queryValuesOf(text: string): string[] {
  const query = text.slice(text.indexOf("?") + 1);
  if (query === text) return [];
  const parameters = query.split(/[&#]/);
  const written = parameters.map((parameter) => parameter.slice(parameter.indexOf("=") + 1));
  return [...written, ...new URLSearchParams(parameters.join("&")).values()];
}

/**
 * Parsers of the standard variables of OpenTelemetry, whose texts have other forms than those of the agent's own
 * settings.
 */

import { hideSecretsOfAddress } from "../text/address_secrets.ts";
import { secrets } from "../text/redact.ts";
import { type Parser, parser } from "./parse.ts";

/** A header of each request, or an attribute of all that is sent. */
export type Pair = readonly [name: string, value: string];

/** A whole number of milliseconds. */
export function milliseconds(min: number, max: number): Parser<number> {
  const accepts = `a duration from ${min} to ${max} in milliseconds, without a unit`;
  return parser(accepts, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be ${accepts}`);
    return value;
  });
}

/** The protocols that are sent. */
export type OtlpProtocol = "http/protobuf" | "http/json";

/** The protocol; undefined never comes of a text. */
export const protocol: Parser<OtlpProtocol | undefined> = parser("http/protobuf or http/json", (text) => {
  const known = (["http/protobuf", "http/json"] as const).find((name) => name === text.toLowerCase());
  if (known !== undefined) return known;
  if (/grpc/i.test(text)) {
    throw new Error(
      "is not supported: set http/protobuf, and an endpoint that takes OTLP over HTTP (port 4318 of most collectors)",
    );
  }
  throw new Error("must be http/protobuf or http/json");
}, (value) => value ?? "(unusable)");

/** An address. Its credentials and the values of its query are hidden in every output from then on. */
export const endpoint: Parser<string | undefined> = parser("an http(s) address", (text) => {
  hideSecretsOfAddress("OTEL_EXPORTER_OTLP_ENDPOINT", text);
  if (!URL.canParse(text) || !/^https?:\/\/[^/?#]/i.test(text)) {
    throw new Error("must be an address: write http://HOST:4318");
  }
  if (text.includes("#")) throw new Error("has a #, and no server sees what follows it: leave it out");
  return text;
}, (value) => value ?? "(none)");

/** The headers, as `name=value`, with commas or line ends between them; values may be percent-encoded. */
export const headers: Parser<readonly Pair[]> = parser("name=value, with commas between them", (text) => {
  const found = pairsOf(text);
  // Known before anything is refused. Of "Bearer TOKEN", the token alone as well.
  secrets.learnValues(
    "OTEL_EXPORTER_OTLP_HEADERS",
    found.flatMap(([, value]) => [value, value.replace(/^\w+ +/, "")]),
  );
  for (const [index, [name, value]] of found.entries()) {
    const what = `has an entry (number ${index + 1})`;
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
      throw new Error(`${what} that is not a header: write name=value, with commas between them`);
    }
    if (/[^\t\x20-\x7e]/.test(value)) {
      throw new Error(`${what} with characters that are not ASCII: write the value in ASCII`);
    }
  }
  return found;
}, (list) => list.length === 0 ? "(none)" : list.map(([name]) => `${name}=***`).join(","));

/** Attributes, as `name=value` with commas between them; values may be percent-encoded. */
export const attributes: Parser<readonly Pair[]> = parser("name=value, with commas between them", (text) => {
  const found = pairsOf(text);
  const bad = found.findIndex(([name]) => name === "");
  if (bad >= 0) {
    throw new Error(
      `has an entry (number ${bad + 1}) without a name: write name=value, with commas between them`,
    );
  }
  return found;
}, (list) => list.length === 0 ? "(none)" : list.map(([name, value]) => `${name}=${value}`).join(","));

/** Entries without `=` have no name. */
function pairsOf(text: string): Pair[] {
  return text.split(/[,\r\n]/).map((entry) => entry.trim()).filter((entry) => entry !== "").map((entry) => {
    const at = entry.indexOf("=");
    return at < 0 ? ["", entry] : [entry.slice(0, at).trim(), decoded(entry.slice(at + 1).trim())];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A share of the traces, from 0 to 1. */
export const share: Parser<number> = parser("a number from 0 to 1", (text) => {
  const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
  if (!(value <= 1)) throw new Error("must be a number from 0 to 1");
  return value;
});

/** The name of a field at the top of the document. */
export const fieldName: Parser<string> = parser("the name of a field, in ASCII", (text) => {
  if (!/^[\x21-\x7e]+$/.test(text) || text.startsWith("$")) {
    throw new Error("must be the name of a field, in ASCII, that does not begin with $");
  }
  if (text.includes(".")) {
    throw new Error("must be the name of a field at the top of the document, without a dot");
  }
  return text;
});

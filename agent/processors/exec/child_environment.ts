import type { Setting } from "../../settings/setting.ts";
import { SETTINGS } from "../../settings/settings.ts";

/**
 * Variables of connection strings, and of the headers and the key of telemetry, also of those that the agent itself does
 * not know.
 */
const CREDENTIALS = /^MONGODB_URI|^OTEL_EXPORTER_OTLP_\w*(HEADERS|CLIENT_KEY)/;
/** Variables of addresses that programs need, unless they have credentials or a query, which may be a key. */
const ADDRESSES = /^OTEL_EXPORTER_OTLP_\w*ENDPOINT$/;

const SECRET_VARIABLES: ReadonlySet<string> = new Set(
  (Object.values(SETTINGS) as Setting<unknown>[])
    .filter(({ secret, namesSecrets }) => secret || namesSecrets)
    .flatMap(({ variable, file }) => file ? [variable, file.variable] : [variable]),
);

/**
 * The environment of a program: all of the agent's, without the variables that hold or name credentials. Those named by
 * `pass` are kept.
 */
export function childEnvironment(
  variables: Readonly<Record<string, string>>,
  pass: readonly string[],
): Record<string, string> {
  const isKept = ([name, value]: [string, string]) =>
    pass.includes(name) ||
    !(CREDENTIALS.test(name) || SECRET_VARIABLES.has(name) || (ADDRESSES.test(name) && /[@?]/.test(value)));
  return Object.fromEntries(Object.entries(variables).filter(isKept));
}

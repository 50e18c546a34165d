import type { Setting } from "../../settings/setting.ts";
import { SETTINGS } from "../../settings/settings.ts";

/** Variables of connection strings, also of those that the agent itself does not know. */
const CONNECTION_STRINGS = /^MONGODB_URI/;

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
  const isKept = (name: string) =>
    pass.includes(name) || !(CONNECTION_STRINGS.test(name) || SECRET_VARIABLES.has(name));
  return Object.fromEntries(Object.entries(variables).filter(([name]) => isKept(name)));
}

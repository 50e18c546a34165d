import { type Setting, SETTINGS } from "../../settings/settings.ts";

/** Variables that lead to credentials, besides those that the table of settings marks. */
const CREDENTIALS = /^(MONGODB_URI|HTTP_(HEADERS|SIGNING_SECRET)_FILE$)/;

const SECRET_VARIABLES: ReadonlySet<string> = new Set(
  (Object.values(SETTINGS) as Setting<unknown>[])
    .flatMap(({ variable, secret, file }) => secret ? [variable, file?.variable ?? variable] : []),
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
    pass.includes(name) || !(CREDENTIALS.test(name) || SECRET_VARIABLES.has(name));
  return Object.fromEntries(Object.entries(variables).filter(([name]) => isKept(name)));
}

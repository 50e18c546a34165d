/** The environment: a variable that is not set, or is blank, counts as absent. */
export type Environment = (variable: string) => string | undefined;

/** The value of a variable without blanks around it, if it has any. */
export function textOf(variable: string, env: Environment): string | undefined {
  const value = env(variable)?.trim();
  return value === "" ? undefined : value;
}

/** A value as a date; undefined if it is none, or one that stands for no time. */
export function validDate(value: unknown): Date | undefined {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value : undefined;
}

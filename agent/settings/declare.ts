import * as parse from "./parse.ts";
import type { Setting } from "./setting.ts";

export const DAY_MS = 86_400_000;

/** Declares a setting: the type of its value is checked where it stands. */
export const setting = <T>(spec: Setting<T>): Setting<T> => spec;

/** A time between `min` and `max`, both in seconds. Its value is in milliseconds. */
export const seconds = (min: number, max = DAY_MS / 1000): parse.Parser<number> =>
  parse.duration(min * 1000, max * 1000);

/** How the values of such settings look: see {@linkcode Setting.decides}. */
export const LOOKS = {
  query: /^\{/,
  processor: /^(log|custom)$|^(module|exec|https?):|\.m?[jt]s$/i,
  duration: /^[\d.]+\s*(ms|s|m|h|d)?$/,
  count: /^\d+$/,
  name: /^[^\s$/]+$/,
  names: /^[\w.-]+(\s*,\s*[\w.-]+)*$/,
  path: /\//,
} as const;

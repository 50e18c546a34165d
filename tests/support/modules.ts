/**
 * Processors for agents under test, as the source of modules for {@linkcode agentHome}.
 *
 * @module
 */

/** Marks each document and is done with it. */
export const MARKING = `export default ({ _id }) => mark(String(_id));`;

/** Is busy with each document until there is a file `marks.go` in the home. */
export const GATED = `
export default async ({ _id }) => {
  mark("start " + _id);
  while (!(await Deno.stat(Deno.env.get("MARKS") + ".go").catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  mark("end " + _id);
};`;

/** Never ends, even if its signal aborts. */
export const DEAF = `
export default async ({ _id }) => {
  mark("start " + _id);
  await new Promise(() => setInterval(() => {}, 1000));
};`;

/** Never ends by itself, and gives up when it is told to. */
export const OBEDIENT = `
export default async ({ _id }, { signal }) => {
  mark("start " + _id);
  await new Promise((_, reject) =>
    signal.addEventListener("abort", () => {
      mark("told " + _id + " " + signal.reason.name);
      reject(signal.reason);
    })
  );
};`;

import { builtins } from "../lib/builtin_watch.ts";

/** A function of the user's module: it may return anything. */
type Handler<Given, Context> = (given: Given, context: Context) => unknown;

/** The handler. After each part of it, the agent checks whether all built-ins still exist. */
export function watched<Given, Context>(handler: Handler<Given, Context>) {
  return (given: Given, context: Context): unknown => {
    let returned: unknown;
    try {
      returned = handler(given, context);
    } finally {
      builtins.afterHandler();
    }
    return returned instanceof Promise ? watchedEnd(returned) : returned;
  };
}

async function watchedEnd(returned: Promise<unknown>): Promise<unknown> {
  try {
    return await returned;
  } finally {
    builtins.afterHandler();
  }
}

import { builtins } from "../lib/builtin_watch.ts";

/** A function of the user's module: it may return anything. */
type Handler<Given, Context> = (given: Given, context: Context) => unknown;

/** The handler, after each part of which it is looked whether what is built in is still there. */
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

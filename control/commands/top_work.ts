import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { leave } from "../../agent/processors/exit_guard.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { openOverview } from "../fleet/open_overview.ts";
import type { Overview } from "../fleet/overview.ts";
import { atCtrlC } from "../interruption.ts";
import { terminalSize } from "../terminal.ts";
import { type Style, written } from "../top/line.ts";
import { overviewLines } from "../top/screen_lines.ts";
import { Top } from "../top/top.ts";
import { FIRST_VIEW } from "../top/view.ts";
import { checkedSettings } from "./checked_settings.ts";
import { lastingStore } from "./command_store.ts";
import { storeFailure } from "./store_failure.ts";

const EVERY_S = 2;
/** Text that is no terminal's is so wide, in cells, and has room for all that there is. */
const [WIDE, ROWS] = [120, 2000];

/** How `top` is to be shown, from the command line. */
export interface TopTask {
  asJson: boolean;
  isOnce: boolean;
  /** As it was given, in seconds. */
  everyS: number | undefined;
}

/**
 * Shows the fleet: on a screen until it is ended, or once. It writes nothing.
 *
 * @throws {UsageError} If the settings cannot be used.
 * @throws {CommandError} If the database refuses or is out of reach at first, or what is printed cannot be written.
 */
export async function showTop({ asJson, everyS, isOnce }: TopTask, env: Environment): Promise<number> {
  const { settings, filter } = checkedSettings(env);
  const store = lastingStore(settings, filter);
  const isScreen = !asJson && !isOnce && Deno.stdout.isTerminal() && env("TERM") !== "dumb";
  try {
    await store.source.look();
    const overviews = await openOverview(store, settings);
    if (isScreen) {
      const source = `${settings.mongodbDatabase}.${settings.mongodbCollection}`;
      const everyMs = 1000 * (everyS ?? EVERY_S);
      return await new Top({ clock: systemClock, everyMs, overviews, source, style: styleOf(env) }).run();
    }
    if (!asJson) {
      await answers.print(inText(await overviews.look()));
    } else {
      // The reader may not read, and the server may not answer: neither keeps the command from its end.
      if (everyS !== undefined) atCtrlC(() => leave(0));
      do {
        await answers.print(JSON.stringify(await overviews.look()));
        await answers.finish();
        if (everyS !== undefined) await sleep(systemClock, 1000 * everyS);
      } while (everyS !== undefined);
    }
    await answers.finish();
    return 0;
  } catch (error) {
    throw storeFailure("top", error);
  } finally {
    await store.close();
  }
}

/** What https://no-color.org asks for. */
function styleOf(env: Environment): Style {
  return env("NO_COLOR") ? "attributes" : "colors";
}

function inText(overview: Overview): string {
  const columns = Deno.stdout.isTerminal() ? terminalSize()?.columns ?? WIDE : WIDE;
  const lines = overviewLines(overview, FIRST_VIEW, { columns, rows: ROWS });
  const title = `${overview.source} at ${overview.at}`;
  return [title, ...lines.map((line) => written(line, columns, "text").trimEnd())].join("\n");
}

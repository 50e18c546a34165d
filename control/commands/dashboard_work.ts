import { CommandError, errorText, UsageError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { aborted } from "../../agent/lib/deadline.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { confirmations } from "../../agent/telemetry/remarks.ts";
import { printable } from "../../agent/text/terminal_text.ts";
import { Access } from "../dashboard/access.ts";
import { ConnectionReport } from "../dashboard/connection_report.ts";
import { Dashboard } from "../dashboard/dashboard.ts";
import { DashboardSite } from "../dashboard/dashboard_site.ts";
import { basePath, hostInAddress, type ListenAddress, listenAddress } from "../dashboard/listen_address.ts";
import { loadPage } from "../dashboard/page_files.ts";
import { BoundedServer } from "../http/bounded_server.ts";
import { Interruption } from "../interruption.ts";
import { checkedSettings } from "./checked_settings.ts";
import { lastingStore } from "./command_store.ts";

/** How the dashboard is served, from the command line. */
export interface DashboardTask {
  allowsActions: boolean;
  /** As they were typed. */
  base: string | undefined;
  hosts: readonly string[];
  listen: string | undefined;
}

/**
 * Twenty viewers open some connections each, for milliseconds. The slowest answer is that of a document of 16 MB, or of a
 * MongoDB that does not answer.
 */
const LIMITS = { connections: 128, everyMs: 4, waitMs: 50, lifeMs: 20_000 };

/**
 * Serves the dashboard until a signal comes; returns the exit status, 0.
 *
 * @throws {UsageError} If an option or the settings cannot be used, or a token is needed and there is none.
 * @throws {CommandError} If another process has the port.
 */
export async function serveDashboard(task: DashboardTask, env: Environment): Promise<number> {
  const address = listenAddress(task.listen);
  const base = basePath(task.base);
  const hosts = task.hosts.map(hostName);
  const { settings, filter } = checkedSettings(env);
  const { dashboardTokenFile } = settings;
  if (!address.isLoopback && dashboardTokenFile === undefined) {
    throw new UsageError(
      `--listen ${task.listen} would serve the dashboard to other machines without a login: set DASHBOARD_TOKEN_FILE to ` +
        "a file with a token, or listen on 127.0.0.1",
    );
  }
  const [name] = hosts.filter((host) => host !== "localhost" && !host.endsWith(".localhost"));
  if (name !== undefined && dashboardTokenFile === undefined) {
    throw new UsageError(
      `--host ${name} would serve the dashboard without a login to all that the proxy of this name lets through: set ` +
        "DASHBOARD_TOKEN_FILE to a file with a token",
    );
  }
  const access = await Access.open(dashboardTokenFile, base);
  const page = await loadPage();
  const interruption = new Interruption();
  const listener = listen(address);
  // What this process does from now on needs neither.
  for (const name of ["run", "write"] as const) await Deno.permissions.revoke({ name });
  const store = lastingStore(settings, filter);
  const report = new ConnectionReport(store);
  const dashboard = new Dashboard({ store, settings, allowsActions: task.allowsActions });
  const { isLoopback } = address;
  const exchange = new DashboardSite({ access, base, dashboard, hosts, isLoopback, page });
  const server = new BoundedServer({ clock: systemClock, exchange, limits: LIMITS, listener });
  try {
    const { mongodbCollection, mongodbDatabase } = settings;
    const how = task.allowsActions ? "with actions" : "read-only; --allow-actions lets viewers act";
    confirmations.say(
      `The dashboard of ${mongodbDatabase}.${mongodbCollection} is at ${
        addressText(listener, address)
      }${base} (${how})`,
    );
    report.begin();
    await aborted(interruption.aborted);
    return 0;
  } finally {
    report.end();
    server.close();
    await dashboard.close();
    await store.close();
  }
}

function hostName(typed: string): string {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(typed)) return typed.toLowerCase();
  throw new UsageError(
    `--host is ${printable(JSON.stringify(typed))}: must be a name alone, such as agents.example.com`,
  );
}

function listen({ hostname, port }: ListenAddress): Deno.TcpListener {
  const address = `${hostInAddress(hostname)}:${port}`;
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new CommandError(`Another process listens on ${address}: give another port with --listen`, {
        cause: error,
      });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(`User ${Deno.uid()} may not listen on ${address}: give a port above 1023`, {
        cause: error,
      });
    }
    throw new UsageError(
      `${address} cannot be listened on (${errorText(error)}): give an address of this machine with --listen`,
      { cause: error },
    );
  }
}

/** Where a browser of this machine finds it. */
function addressText({ addr: { port } }: Deno.TcpListener, { hostname }: ListenAddress): string {
  const isAny = hostname === "0.0.0.0" || hostname === "::";
  return `http://${isAny ? "localhost" : hostInAddress(hostname)}:${port}`;
}

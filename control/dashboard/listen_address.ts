import { isIP } from "node:net";
import { UsageError } from "../../agent/errors.ts";
import { printable } from "../../agent/text/terminal_text.ts";

/** Where the dashboard is served. */
export interface ListenAddress {
  /** An IP address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Only this machine reaches it. */
  readonly isLoopback: boolean;
}

/** A host as it stands in an address, in front of a port. */
export function hostInAddress(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

const DEFAULT = "127.0.0.1:7979";

/** The address of an option `--listen`, or that without it. @throws {UsageError} If it is none. */
export function listenAddress(text = DEFAULT): ListenAddress {
  const [, host = "", digits = ""] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const bare = host === "localhost" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1");
  const port = Number(digits);
  if (isIP(bare) === 0 || (isIP(bare) === 6 && bare === host) || digits === "" || port > 65_535) {
    throw new UsageError(
      `--listen is ${
        printable(JSON.stringify(text))
      }: must be an IP address and a port, such as 127.0.0.1:7979, ` +
        "0.0.0.0:7979 or [::1]:7979",
    );
  }
  return { hostname: bare, port, isLoopback: isLoopback(bare) };
}

/** The prefix of all paths by an option `--base`: it begins and ends with a slash. @throws {UsageError} If it is none. */
export function basePath(text = "/"): string {
  if (!/^\/?(?:[\w~-][\w.~-]*\/)*(?:[\w~-][\w.~-]*)?$/.test(text)) {
    throw new UsageError(
      `--base is ${printable(JSON.stringify(text))}: must be a path of plain letters, such as /pulling-agent`,
    );
  }
  const inner = text.replace(/^\/|\/$/g, "");
  return inner === "" ? "/" : `/${inner}/`;
}

/** Whether an IP address is of this machine alone. */
export function isLoopback(address: string): boolean {
  return /^127(?:\.\d{1,3}){3}$/.test(address) || /^(?:0*:)*:?0*1$/.test(address) && isIP(address) === 6;
}

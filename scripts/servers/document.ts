import { SUPPORTED, UNSUPPORTED } from "../../tests/support/profiles/profiles.ts";
import type { Basis } from "../../tests/support/profiles/profile.ts";
import { table } from "../markdown_table.ts";
import { CHECK_NAMES, SERVER_LINES, type ServerLine } from "./server_lines.ts";

const KNOWN_BY: Record<ServerLine["basis"], string> = {
  run: "run on the server",
  profile: "by its profile",
  reading: "read, not run",
};

const BASES: Record<Basis, string> = {
  seen: "seen on the server",
  source: "in its source",
  documented: "documented",
  assumed: "assumed",
};

/** What an agent does on each server. */
export function serversTable(): string {
  const head = ["Server", "Known", ...CHECK_NAMES];
  return table(
    head,
    SERVER_LINES.map(({ basis, differs, server }) => [
      server,
      KNOWN_BY[basis],
      ...CHECK_NAMES.map((name) => differs[name] ?? (name === "pick-up" ? "stream" : "yes")),
    ]),
  );
}

/** What a user of a server has to know. */
export function serverNotes(): string {
  return SERVER_LINES.filter(({ note }) => note !== "").map(({ note, server }) => `- **${server}**: ${note}.`)
    .join(
      "\n",
    );
}

/** What each compatible server does otherwise than MongoDB, as far as it matters to an agent. */
export function differencesTable(): string {
  const rows = [...SUPPORTED, ...UNSUPPORTED].flatMap(({ rows, title }) =>
    rows.map(({ basis, source, what }) => [title, what, BASES[basis], source])
  );
  return table(["Server", "Lacks, or does otherwise", "Known", "Source"], rows);
}

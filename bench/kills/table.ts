import { table } from "../../scripts/markdown_table.ts";
import type { PeerVerdict } from "../../tests/witness/runs_of_peer.ts";

/** What became of the documents of a program. */
export interface PeerResult extends PeerVerdict {
  readonly name: string;
}

/** The figures of the agent and of others, for docs/reliability.md. */
export function peersTable(results: readonly PeerResult[]): string {
  const rows = results.map(({ documents, doubled, lost, name, withoutExcuse }) => [
    name,
    ...[documents, lost, doubled, withoutExcuse].map(String),
  ]);
  return table(["Program", "Documents", "Lost", "Doubled", "Without an excuse"], rows);
}

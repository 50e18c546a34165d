/**
 * A Prometheus server of a test's own.
 *
 * @module
 */

import { spawnTied } from "../../scripts/tied_process.ts";
import type { Requirement } from "./optional.ts";
import { TempDir } from "./temp_dir.ts";
import { waitFor } from "./wait.ts";

/** Scraping agents, and asking for what came of it. */
export const PROMETHEUS: Requirement = {
  what: "tests of the dashboard with Prometheus",
  why: "prometheus is not installed",
  install: "sh scripts/ci_tools.sh installs it",
  probe: ["prometheus", "--version"],
};

/** A series in the answer to a query, with its value. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** Scrapes each second; `await using` ends it. */
export class Prometheus implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #dir: TempDir;
  readonly #url: string;

  private constructor(child: Deno.ChildProcess, dir: TempDir, url: string) {
    this.#child = child;
    this.#dir = dir;
    this.#url = url;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param targets ports of agents on this machine, each with the labels that its pod would have
   * @param rules the path of a file of rules
   */
  static async start(
    { targets, rules }: { targets: { port: number; labels: Record<string, string> }[]; rules: string },
  ): Promise<Prometheus> {
    const dir = await TempDir.make();
    using free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const address = `127.0.0.1:${free.addr.port}`;
    free.close();
    // JSON is YAML.
    const config = await dir.write(
      "prometheus.json",
      JSON.stringify({
        global: { scrape_interval: "1s", evaluation_interval: "1s" },
        rule_files: [rules],
        scrape_configs: [{
          job_name: "pulling-agent",
          static_configs: targets.map(({ port, labels }) => ({ targets: [`127.0.0.1:${port}`], labels })),
        }],
      }),
    );
    const child = await spawnTied("prometheus", [
      `--config.file=${config}`,
      `--storage.tsdb.path=${dir.path}/data`,
      `--web.listen-address=${address}`,
      "--log.level=error",
    ]);
    const prometheus = new Prometheus(child, dir, `http://${address}`);
    await waitFor("Prometheus to be ready", async () => {
      const answer = await fetch(`http://${address}/-/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok;
    });
    return prometheus;
  }

  /** What an expression gives now. */
  async query(expr: string): Promise<Sample[]> {
    const { result } = await this.#ask<
      { result: { metric: Record<string, string>; value: [number, string] }[] }
    >(
      `query?query=${encodeURIComponent(expr)}`,
    );
    return result.map(({ metric, value: [, text] }) => ({ metric, value: Number(text) }));
  }

  /** How each rule went when it was last evaluated. */
  async rules(): Promise<{ name: string; health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{ groups: { rules: { name: string; health: string }[] }[] }>("rules");
    return groups.flatMap(({ rules }) => rules);
  }

  /** @throws {Error} if Prometheus refuses it */
  async #ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`);
    const { status, data, error } = await answer.json();
    if (status !== "success") throw new Error(`Prometheus refuses ${decodeURIComponent(path)}: ${error}`);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#dir[Symbol.asyncDispose]();
  }
}

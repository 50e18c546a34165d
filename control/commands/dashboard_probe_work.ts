import { confirmations } from "../../agent/telemetry/remarks.ts";
import { probeDashboard } from "../dashboard/dashboard_probe.ts";
import { basePath, listenAddress } from "../dashboard/listen_address.ts";

/**
 * Answers a probe of Kubernetes; returns its exit status. It runs every few seconds: it reads no setting and loads no driver.
 *
 * @throws {UsageError} If an option cannot be used.
 */
export async function answerProbe({ base, listen }: ProbeTask): Promise<number> {
  const { isYes, text } = await probeDashboard(listenAddress(listen), basePath(base));
  confirmations.say(text);
  return isYes ? 0 : 1;
}

/** Where the dashboard is, as it was typed. */
interface ProbeTask {
  readonly base: string | undefined;
  readonly listen: string | undefined;
}

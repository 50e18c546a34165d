import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { NeededCertificate } from "./connection/needed_certificates.ts";

const DAY_MS = 86_400_000;
/** Who replaces certificates by hand needs some days for it; who has them replaced does so earlier. */
const SOON_MS = 14 * DAY_MS;

/**
 * Warns once a day of certificates that end soon or have ended. Connections that are open outlive them: without a warning
 * the first connection that is lost, perhaps weeks later, would be the first sign.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #cancel: () => void = () => {};
  #isStopped = false;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  /** Looks at once, then each day, and when the first of them ends. */
  async run(): Promise<void> {
    const { certificates, clock, log, now = () => new Date() } = this.#options;
    const found = await certificates();
    if (this.#isStopped) return;
    const nowMs = now().getTime();
    let nextMs = DAY_MS;
    for (const { expires, what } of found) {
      const leftMs = expires.getTime() - nowMs;
      const details = { certificate: what, ends: expires.toISOString() };
      if (leftMs <= 0) {
        log.warn(
          "A certificate has ended, and new connections to MongoDB are refused: replace it, no restart is needed",
          details,
        );
      } else if (leftMs <= SOON_MS) {
        log.warn(
          "A certificate of the connection to MongoDB ends soon: replace it, no restart is needed",
          details,
        );
        nextMs = Math.min(nextMs, leftMs);
      }
    }
    this.#cancel = clock.after(nextMs, () => void this.run(), { isBackground: true });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }
}

/** What {@linkcode CertificateWatch} needs. */
export interface CertificateWatchOptions {
  /** The certificates to look at. Never throws. */
  certificates(): Promise<readonly NeededCertificate[]>;
  clock: Clock;
  log: Logger;
  /** The time of this machine. */
  now?: () => Date;
}

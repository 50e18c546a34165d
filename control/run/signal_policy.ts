import type { Drainable } from "../../agent/drain.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import type { HealthReporter } from "../../health/health_reporter.ts";
import type { PauseController } from "../pause_controller.ts";
import { SignalEcho } from "../signal_echo.ts";
import type { SignalHandler } from "../signals.ts";

/** What the agent does on signals: the first one that asks for a stop drains it, and a second one forces it to stop. */
export class SignalPolicy implements SignalHandler {
  readonly #options: SignalPolicyOptions;
  readonly #echo = new SignalEcho(systemClock);
  #isDraining = false;

  constructor(options: SignalPolicyOptions) {
    this.#options = options;
  }

  stop(signal: Deno.Signal): void {
    if (this.#echo.isEcho(signal)) return;
    const { agent } = this.#options;
    if (this.#isDraining) agent.force(`a second signal, ${signal}`);
    else agent.drain(signal);
    this.#isDraining = true;
  }

  pause(): void {
    this.#options.gate.pause("signal");
  }

  resume(): void {
    this.#options.gate.resume("signal");
  }

  answer(): void {
    this.#options.health.answer();
  }
}

/** What a {@linkcode SignalPolicy} acts on. */
export interface SignalPolicyOptions {
  agent: Drainable & { force(reason: string): void };
  gate: PauseController;
  health: HealthReporter;
}

/** Decides when the agent may claim. */
export interface PauseGate {
  readonly isOpen: boolean;
  /** Resolves `true` as soon as claims are allowed, `false` once `signal` has aborted. */
  waitOpen(signal: AbortSignal): Promise<boolean>;
  /** Calls `listener` whenever the gate opens or closes. */
  onChange(listener: (isOpen: boolean) => void): void;
}

/** Sends a signal to all processes of a program's group, those that it has started included; quiet if none is left. */
export function signalGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group is empty. A process that has changed its user meanwhile cannot be reached.
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
  }
}

import { Socket } from "node:net";

let isInstalled = false;

/**
 * Has every socket of the process give its timer back before it is destroyed.
 *
 * Deno up to 2.6 keeps a socket that is destroyed while its timeout runs, with its read buffer of 64 KiB, forever:
 * `_destroy` clears the timer with the web's `clearTimeout`, which does not know of the table of timers that
 * `node:timers` keeps. The driver sets a timeout on each connection it attempts, so an outage fills the memory outside
 * the heap. `setTimeout(0)` clears the timer with the right function; a socket that is destroyed already ignores it.
 * Later versions of Deno lose nothing by it.
 */
export function releaseSocketTimers(): void {
  if (isInstalled) return;
  isInstalled = true;
  const destroy = Socket.prototype.destroy;
  Socket.prototype.destroy = function (this: Socket, error?: Error): Socket {
    this.setTimeout(0);
    return destroy.call(this, error);
  };
}

import { errorText } from "../../errors.ts";

/**
 * Why a request failed, without the runtime's words around it, which quote the whole address: it is named as it may be
 * shown.
 */
export function fetchErrorText(error: unknown, { href, shown }: { href: string; shown: string }): string {
  return errorText(error)
    .replace(/^fetch failed \((.*)\)$/s, "$1")
    .replace(/^.*?client error \(\w+\): /s, "")
    .replaceAll(href, shown);
}

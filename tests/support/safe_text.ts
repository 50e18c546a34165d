import { type SafeText, secrets } from "../../agent/text/redact.ts";

/** A text of a test as what has been cleaned. */
export function safe(text: string): SafeText {
  return secrets.text(text);
}

import { secrets } from "../../agent/text/redact.ts";
import type { Diagnosis } from "./diagnosis.ts";

/** What the doctor has to say, as one line of JSON. No secret is in it. */
export function diagnosisJson({ canWork, findings, fine, patient, unseen }: Diagnosis): string {
  return JSON.stringify({
    can_work: canWork,
    looked_at: secrets.text(patient),
    findings: findings.map(({ concern, is, level, says, steps }) => ({
      is,
      concern,
      level,
      text: secrets.text(says),
      mend: steps.map(({ text, tool }) => ({ tool, text: secrets.text(text) })),
    })),
    fine: fine.map(({ concern }) => concern),
    not_looked_at: unseen.map(({ concern, why }) => ({ concern, why: secrets.text(why) })),
  });
}

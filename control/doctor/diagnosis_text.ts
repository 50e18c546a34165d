import { secrets } from "../../agent/text/redact.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { type Level, LEVELS, type Step } from "./concern.ts";
import { pod } from "./concerns/pod.ts";
import type { Diagnosis, Finding } from "./diagnosis.ts";

const HEADS: Record<Level, string> = {
  stops: "Stops the agent",
  hurts: "Will hurt",
  note: "Good to know",
};

const TOOLS: Record<Step["tool"], string> = {
  mongosh: "In mongosh",
  shell: "In a shell",
  setting: "Setting",
  hand: "By hand",
};

/** What the doctor has to say, for people, in lines. No secret is in it. */
export function diagnosisText({ canWork, findings, fine, patient, unseen }: Diagnosis): string {
  const width = Math.max(...[...fine, ...unseen].map(({ concern }) => concern.length), 0) + 2;
  const row = (concern: string, text: string) => `  ${concern.padEnd(width)}${safe(text)}`;
  return [
    `Looked at ${safe(patient)}.`,
    ...LEVELS.flatMap((level) => section(level, findings.filter((each) => each.level === level))),
    ...list("Fine", fine.map(({ concern, doc }) => row(concern, doc))),
    ...list("Not looked at", unseen.map(({ concern, why }) => row(concern, why))),
    "",
    canWork ? verdict(findings, unseen) : "The agent cannot work until what stops it is mended.",
  ].join("\n");
}

function verdict(findings: readonly Finding[], unseen: Diagnosis["unseen"]): string {
  if (findings.length > 0) return "The agent can work.";
  // Only an operator can give the pod's manifest.
  const isComplete = unseen.every(({ concern }) => concern === pod.name);
  return isComplete ? "Nothing is wrong: the agent can work." : "Nothing is wrong with what was looked at.";
}

function section(level: Level, findings: readonly Finding[]): string[] {
  return list(
    HEADS[level],
    findings.flatMap(({ is, says, steps }) => [
      `- ${safe(says)}. [${is}]`,
      // A command in a line of its own, that can be copied as it is.
      ...steps.map(({ text, tool }) => `  ${TOOLS[tool]}: ${printable(secrets.text(text))}`),
    ]),
  );
}

function list(head: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${head}:`, ...lines];
}

function safe(text: string): string {
  return inOneLine(secrets.text(text));
}

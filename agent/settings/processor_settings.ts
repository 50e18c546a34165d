import { LOOKS, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** What is done with a document, and how programs and services are called. */
export const PROCESSOR_SETTINGS = {
  processor: setting<string>({
    variable: "PROCESSOR",
    parse: parse.text("log, custom, module:PATH, exec:COMMAND or an http(s) address"),
    default: "log",
    decides: LOOKS.processor,
    doc:
      "What is done with a document: `log` (nothing: it is only marked), `module:PATH` (your JavaScript), `exec:COMMAND` (your program in any language), `https://HOST/PATH` (it is posted to your service) or `custom` (compiled in).",
  }),
  processorBatch: setting<boolean>({
    variable: "PROCESSOR_BATCH",
    parse: parse.boolean,
    default: "false",
    doc:
      "Whether a service or a program is sent many documents at once, as an array. A module decides that itself.",
  }),
  httpHeadersFile: setting<string | undefined>({
    variable: "HTTP_HEADERS_FILE",
    namesSecrets: true,
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file with headers for every request to the service, such as `Authorization: Bearer TOKEN`, one a line.",
  }),
  httpSigningSecretFile: setting<string | undefined>({
    variable: "HTTP_SIGNING_SECRET_FILE",
    namesSecrets: true,
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc: "A file with the secret by which requests to the service are signed, as Standard Webhooks does.",
  }),
  httpCaFile: setting<string | undefined>({
    variable: "HTTP_CA_FILE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file with the certificates (PEM) of your own authority, which the service's certificate is checked against.",
  }),
  execProcesses: setting<number>({
    variable: "EXEC_PROCESSES",
    parse: parse.integer(1, 1000),
    default: "1",
    doc: "Processes of the program of `PROCESSOR=exec:` that run at the same time.",
  }),
  execPassEnv: setting<readonly string[]>({
    variable: "EXEC_PASS_ENV",
    parse: parse.names,
    fallback: () => [],
    defaultText: "none",
    doc: "Variables that hold or name credentials of the agent, and that the program is to see all the same.",
  }),
} as const;

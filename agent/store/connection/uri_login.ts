import type { ConnectionString } from "mongodb-connection-string-url";
import { option } from "./uri_options.ts";

/** Mechanisms that the driver knows. It also takes a part of a name, in upper or lower case. */
const MECHANISMS = [
  "DEFAULT",
  "GSSAPI",
  "MONGODB-AWS",
  "MONGODB-OIDC",
  "MONGODB-X509",
  "PLAIN",
  "SCRAM-SHA-1",
  "SCRAM-SHA-256",
];
/** Mechanisms that need a user and a password. */
const BY_PASSWORD = new Set(["DEFAULT", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"]);
/** Mechanisms that need a module that this program does not have, and what to do instead. */
const UNABLE: Record<string, string> = {
  GSSAPI: "Kerberos needs a native module: log in with SCRAM or with a certificate (MONGODB-X509)",
  "MONGODB-AWS":
    "it needs the AWS SDK: log in with SCRAM, with a certificate (MONGODB-X509) or with MONGODB-OIDC and ENVIRONMENT:k8s",
};
const OIDC_ENVIRONMENTS = ["k8s", "azure", "gcp", "test"];

/**
 * Why a connection string cannot log in to any server; undefined if it may. The driver reports some of this in words of
 * its own, and some only when it connects. Quotes nothing from the string.
 */
export function loginProblem(uri: ConnectionString): string | undefined {
  const given = option(uri, "authMechanism")?.toUpperCase();
  const properties = option(uri, "authMechanismProperties");
  if (given !== undefined && !MECHANISMS.some((name) => name.includes(given))) {
    return "authMechanism names none that MongoDB has: " +
      "take SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, MONGODB-X509 or MONGODB-OIDC, or remove it";
  }
  const mechanism = given ?? "DEFAULT";
  const what = `authMechanism=${mechanism}`;
  if (UNABLE[mechanism] !== undefined) return `${what} does not work in this program: ${UNABLE[mechanism]}`;
  if (uri.username === "") {
    if (given === undefined && properties !== undefined) {
      return "authMechanismProperties stands there without authMechanism and without a user: remove it, or name both";
    }
    if (given !== undefined && given !== "DEFAULT" && BY_PASSWORD.has(given)) {
      return `${what} logs in by a user and a password, and there are none: write USER:PASSWORD@ in front of the host`;
    }
  } else if (uri.password === "" && BY_PASSWORD.has(mechanism)) {
    return "there is a user without a password: write USER:PASSWORD@ in front of the host";
  }
  if (mechanism === "MONGODB-X509") return certificateProblem(uri, what);
  if (mechanism === "MONGODB-OIDC") return tokenProblem(uri, what);
}

function certificateProblem(uri: ConnectionString, what: string): string | undefined {
  if (uri.password !== "") return `${what} logs in by a certificate: remove the password`;
  const isTls = option(uri, "tls") ?? option(uri, "ssl") ?? String(uri.isSRV);
  if (isTls !== "true" || option(uri, "tlsCertificateKeyFile") === undefined) {
    return `${what} logs in by a certificate: name its file with tls=true&tlsCertificateKeyFile=FILE`;
  }
}

function tokenProblem(uri: ConnectionString, what: string): string | undefined {
  if (uri.password !== "") return `${what} logs in by a token: remove the password`;
  const properties = option(uri, "authMechanismProperties") ?? "";
  const environment = /(?:^|,)ENVIRONMENT:([^,]*)/.exec(properties)?.[1];
  if (environment === undefined || !OIDC_ENVIRONMENTS.includes(environment)) {
    return `${what} needs to know where its token comes from: ` +
      "set authMechanismProperties=ENVIRONMENT:k8s, or azure or gcp in its place";
  }
  if (/^(azure|gcp)$/.test(environment) && !/(?:^|,)TOKEN_RESOURCE:./.test(properties)) {
    return `${what} needs to know what its token is for: ` +
      `set authMechanismProperties=ENVIRONMENT:${environment},TOKEN_RESOURCE:NAME`;
  }
}

/** A whole user or password that a template, a shell or Kubernetes should have replaced. */
const PLACEHOLDER = /^(?:<[^<>]+>|\$\{[^{}]+\}|\$\([^()]+\)|\{\{.+\}\})$/;

/** Whether the user or the password is such a text that should have been replaced. */
export function isPlaceholder(credentials: string): boolean {
  return credentials.split(":").some((part) => PLACEHOLDER.test(part));
}

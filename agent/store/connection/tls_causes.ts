import { both, type Cause, either, type Facts, hasCode, says, type Told } from "./cause.ts";
import type { ServerCertificate } from "./server_certificate.ts";

/** How the runtimes' TLS libraries report a certificate that they do not accept. */
const UNVERIFIED_CODES = [
  ...["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"],
  ...["CERT_SIGNATURE_FAILURE", "CERT_UNTRUSTED", "CERT_REJECTED", "INVALID_CA", "INVALID_PURPOSE"],
  "ERR_TLS_CERT_ALTNAME_INVALID",
];

/** Whether the certificate of a server was not accepted. */
export const isUnverified = either(hasCode(...UNVERIFIED_CODES), says(/peer certificate|UnknownIssuer/));

const withTls: Cause["matches"] = (_, { isTls }) => isTls;
const withoutTls: Cause["matches"] = (_, { isTls }) => !isTls;

/** Why no encrypted connection comes about, the most specific first. */
export const TLS_CAUSES: readonly Cause[] = [
  { matches: isUnverified, say: sayUnverified, isLasting: true },
  {
    matches: says(/(No certificates|No keys) found in|Unable to decode certificate/),
    say: ({ message }) =>
      `The file of tlsCertificateKeyFile cannot be used (${message}): it holds a certificate and its key, ` +
      "unencrypted, both as PEM",
    isLasting: true,
  },
  {
    matches: both(withTls, says(/protocol.?version|unsupported.?protocol/i)),
    say: (_, where) =>
      `${where} takes neither TLS 1.2 nor TLS 1.3: allow one of them (net.tls.disabledProtocols of mongod.conf)`,
    isLasting: true,
    onlyConnecting: true,
  },
  {
    matches: both(withTls, says(/alert|handshake failure|certificate required/i)),
    say: ({ message }, where, facts) =>
      `${where} ends the TLS handshake (${message.split(": ").at(-1)}): ${aboutClient(facts)}`,
    isLasting: true,
    onlyConnecting: true,
  },
  {
    matches: both(withTls, says(/close_notify|^connection .* closed$/)),
    say: (_, where, facts) =>
      `${where} closes the connection right after the TLS handshake: ${aboutClient(facts)}`,
    onlyConnecting: true,
  },
  {
    matches: both(
      withTls,
      says(/corrupt message|end of file|InvalidContentType|wrong.version|before secure TLS|closed/i),
    ),
    say: (_, where) =>
      `${where} does not answer in TLS: it may be a server without it (then remove tls=true), one that takes ` +
      "neither TLS 1.2 nor TLS 1.3, or no MongoDB server",
    isLasting: true,
    onlyConnecting: true,
  },
  {
    matches: both(withoutTls, says(/ closed$|ECONNRESET|EPIPE|Invalid message/)),
    say: (_, where) =>
      `${where} closes the connection before it has answered: it may ask for TLS (add tls=true), or be no MongoDB server`,
    onlyConnecting: true,
  },
];

/** What is wrong with the certificate of a server. One library tells little, so what the server shows counts first. */
function sayUnverified(told: Told, where: string, { serverCertificates }: Facts): string {
  const shown = serverCertificates?.get(where);
  return otherName(told, where, shown) ?? notToday(told, where, shown) ?? wrongUse(told, where) ??
    unknownIssuer(told, where, shown);
}

function otherName(
  { code, message }: Told,
  where: string,
  shown: ServerCertificate | undefined,
): string | undefined {
  if (code !== "ERR_TLS_CERT_ALTNAME_INVALID" && !/not valid for (any )?name/i.test(message)) {
    return undefined;
  }
  const names = shown && shown.hosts.length > 0 ? shown.hosts : namesIn(message);
  return names.length > 0
    ? `The certificate of ${where} is for another name (${names.slice(0, 5).join(", ")}): ` +
      "name the host in MONGODB_URI as the certificate does"
    : `The certificate of ${where} does not name this host (subjectAltName): have it issued with the name that ` +
      "MONGODB_URI uses";
}

/** The names that a certificate is valid for, from the text of a TLS library. */
function namesIn(message: string): string[] {
  const names = message.matchAll(/(?:DnsName|IpAddress)\("?([^")]+)"?\)|DNS:([^, ]+)/g);
  return [...names].map(([, one, other]) => one ?? other!);
}

function notToday(
  { code, message }: Told,
  where: string,
  shown: ServerCertificate | undefined,
): string | undefined {
  const now = new Date();
  const ended = shown?.expires ?? timeIn(message, "after");
  const hasEnded = ended ? ended <= now : code === "CERT_HAS_EXPIRED" || /expired/i.test(message);
  if (hasEnded) {
    return `The certificate of ${where} ended${
      onDay(ended)
    }: renew it, or set the clock of this machine right`;
  }
  const begins = shown?.begins ?? timeIn(message, "before");
  const isEarly = begins ? begins > now : code === "CERT_NOT_YET_VALID" || /not ?valid ?yet/i.test(message);
  if (isEarly) {
    return `The certificate of ${where} is not valid yet${
      begins ? `, but from ${begins.toISOString()} on` : ""
    }: ` +
      "set the clock of this machine right, or wait";
  }
}

/** The end or the beginning of a certificate as a library tells it, in seconds since 1970. */
function timeIn(message: string, side: "after" | "before"): Date | undefined {
  const [, seconds] = new RegExp(`not valid ${side} (\\d+)`).exec(message) ?? [];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
}

function onDay(time: Date | undefined): string {
  return time === undefined ? "" : ` on ${time.toISOString()}`;
}

function wrongUse({ code, message }: Told, where: string): string | undefined {
  if (/CaUsedAsEndEntity/.test(message)) {
    return `The certificate of ${where} is that of an authority (CA:TRUE), which this program takes for no server's: ` +
      "have that authority issue one for the server";
  }
  if (code === "INVALID_PURPOSE" || /extended key usage|InvalidPurpose/i.test(message)) {
    return `The certificate of ${where} may not be used by a server: have it issued for serverAuth (extendedKeyUsage)`;
  }
}

function unknownIssuer(told: Told, where: string, shown: ServerCertificate | undefined): string {
  const hint = "give the certificate of its authority with tlsCAFile";
  if (shown === undefined) {
    const reason = told.message.replace(/^.*peer certificate: /, "");
    return `The certificate of ${where} was not issued by an authority that this agent trusts (${reason}): ${hint}`;
  }
  const by = shown.issuer === shown.subject
    ? `is self-signed (${shown.issuer})`
    : `was issued by ${shown.issuer || "an authority without a name"}`;
  return `The certificate of ${where} ${by}, and not by an authority that this agent trusts: ${hint}` +
    (shown.issuer === shown.subject ? "" : ", and let the server send the certificates between the two");
}

/** What a server that ends the connection may have against the agent. */
function aboutClient({ clientCertificate }: Facts): string {
  if (clientCertificate === undefined) {
    return "it may ask for a client certificate (tlsCertificateKeyFile)";
  }
  const { begins, expires, user } = clientCertificate;
  const now = new Date();
  const which = `the client certificate of ${user} (tlsCertificateKeyFile)`;
  if (expires <= now) return `${which} ended on ${expires.toISOString()}, have it renewed`;
  if (begins > now) {
    return `${which} is not valid before ${begins.toISOString()}, set the clock of this machine right, or wait`;
  }
  return `it may not accept ${which}, which has to be issued for clients (clientAuth) by an authority that the ` +
    "server trusts (net.tls.CAFile)";
}

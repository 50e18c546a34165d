import { both, type Cause, either, type Facts, hasCode, hasServerCode, says } from "./cause.ts";
import { asksForLogin } from "./login_missing.ts";

/** Atlas has one code for all that it refuses, including a full disk and a missing right: the text tells the reason. */
const ATLAS_REFUSAL = /bad auth|auth(entication)? (error|failed)/i;

const by = (wanted: string): Cause["matches"] => (_, { mechanism }) => mechanism === wanted;
const isRefused = either(hasServerCode(18, 11, 391), both(hasServerCode(8000), says(ATLAS_REFUSAL)));

/** Why a server does not let the agent log in, the most specific first. */
export const LOGIN_CAUSES: readonly Cause[] = [
  {
    matches: both(hasServerCode(13), ({ message }) => asksForLogin(message)),
    say: (_, where, { hasCredentials }) =>
      hasCredentials
        ? `The user that this agent had logged in as at ${where} is gone, or was made anew`
        : `MongoDB at ${where} asks for a user and a password, and MONGODB_URI holds none: ` +
          "write USER:PASSWORD@ in front of the host",
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: both(isRefused, by("MONGODB-X509")),
    say: ({ message }, where, facts) =>
      `MongoDB at ${where} has no user for the certificate in tlsCertificateKeyFile: ` +
      `create the user ${userOfCertificate(message, facts)} in the database $external`,
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: both(isRefused, by("MONGODB-OIDC")),
    say: (_, where) =>
      `MongoDB at ${where} refuses the token of this pod: compare the issuer, the audience and the subject of the ` +
      "token with what the server takes (oidcIdentityProviders, or Workload Identity Federation in Atlas)",
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: isRefused,
    say: (_, where, { authSource }) =>
      `MongoDB at ${where} refuses the user or the password in MONGODB_URI: check both, and authSource, ` +
      `the database that the user was made in (now ${authSource})`,
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: either(hasServerCode(334), both(hasServerCode(2), says(/mechanism/i))),
    say: (_, where) =>
      `MongoDB at ${where} does not take this authMechanism: take it out of MONGODB_URI, or have the server allow it`,
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: both(hasCode("EACCES", "EPERM", "EISDIR", "ENOENT"), by("MONGODB-OIDC"), ({ path }) => !!path),
    say: ({ code, path }) =>
      `The token that MONGODB-OIDC logs in with cannot be read from ${path} (${code}): ` +
      "mount the token of a service account there (automountServiceAccountToken, or a projected volume)",
  },
];

/** The server's own text tells how it writes the name, if it is there. */
function userOfCertificate(message: string, { clientCertificate }: Facts): string {
  const [, user] = /find user "?(.+?)"?(?: for db |@\$external|$)/i.exec(message) ?? [];
  return JSON.stringify(user ?? clientCertificate?.user ?? "of its subject");
}

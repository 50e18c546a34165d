import { secrets } from "../../text/redact.ts";

/** Variables that name a proxy, by the protocol of the address. The runtime reads them when it makes a client. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "http:": ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
  "https:": ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
};

/** The variable by which a proxy is set for addresses with this protocol; undefined if there is none. */
export function proxyVariable(protocol: string): string | undefined {
  return VARIABLES[protocol]?.find((variable) => (Deno.env.get(variable) ?? "") !== "");
}

/** Hides the credentials of proxies in every output from now on: a proxy may quote them in its answer. */
export function learnProxies(): void {
  for (const variable of new Set(Object.values(VARIABLES).flat())) {
    const value = Deno.env.get(variable) ?? "";
    if (value.includes("@")) secrets.learn(value.includes("://") ? value : `http://${value}`);
    const { username = "", password = "" } = URL.parse(value) ?? {};
    if (password !== "") secrets.learnValues(variable, [basicOf(username, password)]);
  }
}

/** Credentials as the header of a request has them. */
function basicOf(username: string, password: string): string {
  return new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`).toBase64();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

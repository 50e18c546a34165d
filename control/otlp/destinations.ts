import type { Settings } from "../../agent/settings/settings.ts";
import type { OtlpProtocol, Pair } from "../../agent/settings/otlp_parsers.ts";

/** What is pushed, by the word that OpenTelemetry has for it. */
export type Signal = "traces" | "metrics";

/** Where one kind of telemetry is pushed to, and how. */
export interface Destination {
  readonly signal: Signal;
  /** Without credentials: they are sent as a header. */
  readonly url: URL;
  /** The address as it is named in the log: without credentials and without a query. */
  readonly shown: string;
  readonly protocol: OtlpProtocol;
  readonly headers: readonly Pair[];
  /** The file that these headers come from, which may change; undefined if they do not come from a file. */
  readonly headersFile: string | undefined;
  readonly timeoutMs: number;
  /** A file with the certificates of an authority. */
  readonly caFile: string | undefined;
}

/** Where telemetry is pushed to; an empty list if it is pushed nowhere. */
export function destinationsOf(settings: Settings): Destination[] {
  const { otelDisabled, otelMetricsExporter, otelProtocol, otelTracesExporter } = settings;
  if (otelDisabled || otelProtocol === undefined) return [];
  return [
    ...(otelTracesExporter === "otlp" ? toward("traces", settings.otelTracesEndpoint, settings) : []),
    ...(otelMetricsExporter === "otlp" ? toward("metrics", settings.otelMetricsEndpoint, settings) : []),
  ];
}

function toward(signal: Signal, own: string | undefined, settings: Settings): Destination[] {
  const { otelCertificate: caFile, otelEndpoint, otelHeaders, otelHeadersFile, otelProtocol, otelTimeoutMs } =
    settings;
  const url = own === undefined ? below(otelEndpoint, signal) : new URL(own);
  if (url === undefined) return [];
  const headers = [...basicOf(url), ...otelHeaders];
  url.username = "";
  url.password = "";
  return [{
    signal,
    url,
    shown: `${url.origin}${url.pathname}`,
    protocol: otelProtocol!,
    headers,
    // Headers that could not be used at the start are left out, as the warning tells.
    headersFile: otelHeaders.length > 0 ? otelHeadersFile : undefined,
    timeoutMs: otelTimeoutMs,
    caFile,
  }];
}

function below(endpoint: string | undefined, signal: Signal): URL | undefined {
  if (endpoint === undefined) return undefined;
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/${signal}`;
  return url;
}

/** The credentials of an address as a header. */
function basicOf({ username, password }: URL): Pair[] {
  if (username === "" && password === "") return [];
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return [["authorization", `Basic ${new TextEncoder().encode(credentials).toBase64()}`]];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

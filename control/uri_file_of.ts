import type { Settings } from "../agent/settings/settings.ts";
import { UriFile } from "../agent/store/connection/uri_source.ts";
import { secrets } from "../agent/text/redact.ts";

/** The file that holds the connection string, for a store to follow; undefined if it comes from a variable. */
export function uriFileOf({ mongodbUriFile }: Pick<Settings, "mongodbUriFile">): UriFile | undefined {
  return mongodbUriFile === undefined ? undefined : new UriFile(mongodbUriFile, (uri) => secrets.learn(uri));
}

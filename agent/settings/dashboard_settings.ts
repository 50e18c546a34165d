import { setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** Who may use the dashboard. */
export const DASHBOARD_SETTINGS = {
  dashboardTokenFile: setting<string | undefined>({
    variable: "DASHBOARD_TOKEN_FILE",
    parse: parse.text("the path of a file that holds a token"),
    fallback: () => undefined,
    defaultText: "none",
    namesSecrets: true,
    doc:
      "File with the token that `pulling-agent dashboard` asks for. Without it the dashboard is served to this machine alone.",
  }),
} as const;

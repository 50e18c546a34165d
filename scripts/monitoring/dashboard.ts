/**
 * The dashboard for Grafana, made of the declaration of the instruments.
 *
 * @module
 */

import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { INSTRUMENTS as I } from "../../agent/metrics/instruments.ts";
import { DATASOURCE } from "./panels.ts";
import { agentPanels } from "./agent_rows.ts";
import { failurePanels, movingPanels, timePanels, topPanels } from "./work_rows.ts";

/** The file as Grafana imports it. */
export function dashboardText(): string {
  const builder = new DashboardBuilder("pulling-agent")
    .uid("pulling-agent")
    .description("Is it moving, what fails, is it the handlers or MongoDB, and who is paused or not ready.")
    .tags(["pulling-agent", "mongodb"])
    .time({ from: "now-3h", to: "now" })
    .refresh("30s")
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([
      new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
      choice("namespace", "Namespace", `label_values(${I.buildInfo.name}, namespace)`),
      choice("job", "Scrape job", `label_values(${I.buildInfo.name}{namespace=~"$namespace"}, job)`),
      choice(
        "app",
        "Deployment",
        `label_values(${I.buildInfo.name}{namespace=~"$namespace", job=~"$job"}, app)`,
      ),
      choice(
        "collection",
        "Collection",
        `label_values(${I.claimable.name}{namespace=~"$namespace", job=~"$job", app=~"$app"}, collection)`,
      ).description(
        "Selects what is shown of the backlog and of dead letters. Agents are selected by Deployment.",
      ),
    ])
    .annotation(
      new AnnotationQueryBuilder().name("Alerts").datasource(DATASOURCE).enable(true).iconColor("red")
        .expr('ALERTS{alertname=~"PullingAgent.*", alertstate="firing"}').titleFormat("{{alertname}}")
        .textFormat("{{app}} {{pod}}").step("60s"),
    );
  for (const panel of topPanels()) builder.withPanel(panel);
  const rows = [
    { title: "Is it moving?", panels: movingPanels() },
    { title: "What fails?", panels: failurePanels() },
    { title: "Is it the handlers or MongoDB?", panels: timePanels() },
    { title: "Who works, and who does not?", panels: agentPanels() },
  ];
  for (const { title, panels } of rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  for (const [index, panel] of (dashboard.panels ?? []).entries()) panel.id = index + 1;
  return JSON.stringify(dashboard, null, 2);
}

/** A variable with all values of a label; "All" also takes series without the label. */
function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name).label(label).datasource(DATASOURCE)
    .query({ query, refId: name }).definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged).sort(VariableSort.AlphabeticalAsc)
    .multi(true).includeAll(true).allValue(".*").current({ text: "All", value: "$__all" });
}

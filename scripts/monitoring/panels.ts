/**
 * Panels of the dashboard in one style: a question as the title, and a description that tells how to read the answer.
 *
 * @module
 */

import * as common from "@grafana/grafana-foundation-sdk/common";
import * as grafana from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as ChartBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** The variable that selects the data source: a fixed one exists in one Grafana alone. */
export const DATASOURCE: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };

/** Units of Grafana. */
type Unit = "s" | "bytes" | "ops" | "percentunit" | "short" | "none";

/** What all panels have. */
interface Look {
  title: string;
  /** What it shows, how to read it, and where to look next. */
  description: string;
  unit: Unit;
  /** Columns of 24. */
  span: number;
  height?: number;
}

/** A query, and what its lines are called; `{{label}}` stands for the value of a label. */
export type Query = [expr: string, legend: string];

interface ChartLook extends Look {
  queries: Query[];
  /** Lines on top of each other, if their sum means something. */
  isStacked?: boolean;
  max?: number;
}

/** Values over time. */
export function chart({ queries, isStacked = false, max, ...look }: ChartLook): ChartBuilder {
  const panel = new ChartBuilder()
    .targets(queries.map(([expr, legend], n) => range(n, expr, legend)))
    .min(0)
    .lineWidth(isStacked ? 0 : 1)
    .fillOpacity(isStacked ? 50 : 10)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder().showLegend(true)
        .displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom).calcs([]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  if (isStacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (max !== undefined) panel.max(max);
  return looking(panel, look);
}

interface NumberLook extends Look {
  query: string;
  /** From which values on it is yellow and red; without them it is not coloured. */
  yellow?: number;
  red?: number;
  /** It is red below this value, and green from it on. */
  green?: number;
  noValue?: string;
}

/** One number, as it is now. */
export function number({ query, yellow, red, green, noValue, ...look }: NumberLook): StatBuilder {
  const steps: grafana.Threshold[] = green === undefined
    ? [{ value: null, color: yellow === undefined && red === undefined ? "text" : "green" }]
    : [{ value: null, color: "red" }, { value: green, color: "green" }];
  if (yellow !== undefined) steps.push({ value: yellow, color: "yellow" });
  if (red !== undefined) steps.push({ value: red, color: "red" });
  const panel = new StatBuilder()
    .withTarget(range(0, query, ""))
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).fields("").values(false))
    .thresholds(new grafana.ThresholdsConfigBuilder().mode(grafana.ThresholdsMode.Absolute).steps(steps))
    .noValue(noValue ?? "no data");
  return looking(panel, { height: 4, ...look });
}

/** A state, from a value on, and its colour. */
export interface State {
  from: number;
  to: number;
  text: string;
  color: string;
}

/** What state each agent is in, over time. */
export function timeline(
  { query: [expr, legend], states, ...look }: Look & { query: Query; states: State[] },
): TimelineBuilder {
  const mappings: grafana.ValueMapping[] = states.map(({ from, to, text, color }, index) => ({
    type: grafana.MappingType.RangeToText,
    options: { from, to, result: { text, color, index } },
  }));
  const panel = new TimelineBuilder()
    .withTarget(range(0, expr, legend))
    .mappings(mappings)
    .colorScheme(new grafana.FieldColorBuilder().mode(grafana.FieldColorModeId.Thresholds))
    .showValue(common.VisibilityMode.Never)
    .mergeValues(true)
    .rowHeight(0.8)
    .fillOpacity(80)
    .lineWidth(0)
    .legend(
      new common.VizLegendOptionsBuilder().showLegend(true)
        .displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom).calcs([]),
    );
  return looking(panel, look);
}

/** Labels of series as they are now, one series a row. */
export function list(
  { query, columns, ...look }: Look & { query: string; columns: Record<string, string> },
): TableBuilder {
  const target = new DataqueryBuilder().refId("A").datasource(DATASOURCE).expr(query).instant()
    .format(PromQueryFormat.Table);
  const panel = new TableBuilder().withTarget(target).showHeader(true).noValue("none")
    .withTransformation({
      id: "organize",
      options: {
        indexByName: Object.fromEntries(Object.keys(columns).map((name, index) => [name, index])),
        includeByName: Object.fromEntries(Object.keys(columns).map((name) => [name, true])),
        renameByName: columns,
      },
    });
  return looking(panel, look);
}

interface Lookable<T> {
  title(text: string): T;
  description(text: string): T;
  datasource(source: common.DataSourceRef): T;
  unit(unit: string): T;
  span(columns: number): T;
  height(rows: number): T;
}

function looking<T extends Lookable<T>>(panel: T, { title, description, unit, span, height = 8 }: Look): T {
  return panel.title(title).description(description).datasource(DATASOURCE).unit(unit).span(span).height(
    height,
  );
}

function range(n: number, expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().refId(String.fromCharCode(65 + n)).datasource(DATASOURCE)
    .expr(expr).legendFormat(legend).range();
}

import type { Document } from "mongodb";

/** All stages of a plan of the server: those of each shard, and those within others; the outermost first. */
export function* stagesOf(value: unknown): Generator<Document> {
  if (typeof value !== "object" || value === null) return;
  const { stage } = value as Document;
  if (typeof stage === "string") yield value;
  for (const [name, inner] of Object.entries(value)) {
    // The query itself may have fields of any name.
    if (
      !/^(winningPlan|queryPlan|inputStages?|outerStage|innerStage|thenStage|elseStage|shards)$/.test(name)
    ) continue;
    for (const each of [inner].flat()) yield* stagesOf(each);
  }
}

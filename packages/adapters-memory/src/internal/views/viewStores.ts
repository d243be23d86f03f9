import { ProjectionStore, ViewStore } from "@hexfold/core"
import { Context, Duration } from "effect"
import type { Maintaining } from "./commits.ts"
import type { Generations } from "./generations.ts"
import { projectionStoreOf } from "./projectionStore.ts"
import { viewStoreOf } from "./viewStore.ts"

/** Both ports to the records of views, over the same generations. */
export const viewStores = (
  generations: Generations,
  leftAfter: Duration.Input = "1 minute",
  maintaining?: Maintaining
): Context.Context<ViewStore.ViewStore | ProjectionStore.ProjectionStore> => {
  const limit = Duration.toMillis(leftAfter)
  return Context.make(ViewStore.ViewStore, viewStoreOf(generations, limit)).pipe(
    Context.add(ProjectionStore.ProjectionStore, projectionStoreOf(generations, limit, maintaining))
  )
}

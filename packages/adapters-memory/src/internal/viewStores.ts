import { ProjectionStore, ViewStore } from "@hexfold/core"
import { Context } from "effect"
import type { Maintaining } from "./commits.ts"
import type { Generations } from "./generations.ts"
import { projectionStoreOf } from "./projectionStore.ts"
import { viewStoreOf } from "./viewStore.ts"

/** Both ports to the records of views, over the same generations. */
export const viewStores = (
  generations: Generations,
  maintaining?: Maintaining
): Context.Context<ViewStore.ViewStore | ProjectionStore.ProjectionStore> =>
  Context.make(ViewStore.ViewStore, viewStoreOf(generations)).pipe(
    Context.add(ProjectionStore.ProjectionStore, projectionStoreOf(generations, maintaining))
  )

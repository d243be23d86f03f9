import type { View } from "@hexfold/core"
import { Context } from "effect"

/** The views that the stores which are opened here know. */
export const InlineDefinitions = Context.Reference<ReadonlyArray<View.Any>>(
  "@hexfold/adapters-pg/internal/InlineDefinitions",
  { defaultValue: () => [] }
)

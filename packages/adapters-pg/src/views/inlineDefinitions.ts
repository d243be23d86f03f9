import type { View } from "@hexfold/core"
import { Context } from "effect"

/** The definitions of views that the stores get when they are opened. */
export const InlineDefinitions = Context.Reference<ReadonlyArray<View.Any>>(
  "@hexfold/adapters-pg/internal/InlineDefinitions",
  { defaultValue: () => [] }
)

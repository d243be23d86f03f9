import * as Context from "effect/Context"
import type { Position } from "../../ports/EventStore.ts"

/** Is told of the last event of each command that has been executed, also of one that is answered with its first receipt. */
export const Current = Context.Reference<((last: Position) => void) | undefined>("@hexfold/core/Appended", {
  defaultValue: () => undefined
})

import { StreamLocks } from "@hexfold/core"
import { Context } from "effect"

/** An append in memory is one synchronous step, so there is nothing to lock. */
export const locks: Context.Context<StreamLocks.StreamLocks> = Context.make(StreamLocks.StreamLocks, {
  hold: (_streams, _commandIds, effect) => effect
})

import { type StreamDirectory, StreamId } from "@hexfold/core"
import { DirectoryCheck, QueryEvaluation } from "@hexfold/core/adapter"
import { Effect } from "effect"
import type { Log } from "./log.ts"

const { compareTexts } = QueryEvaluation

/** What lists the streams of a log in memory. A list is one synchronous step. */
export const streamDirectory = ({ streams }: Log): StreamDirectory.StreamDirectory["Service"] => ({
  list: (options) =>
    Effect.suspend(() => {
      const refusal = DirectoryCheck.check(options)
      if (refusal !== undefined) return Effect.fail(refusal)
      const { after, aggregate, limit = DirectoryCheck.defaultLimit } = options
      const own = [...streams]
        .filter(([streamId, { length }]) => length > 0 && StreamId.aggregateOf(streamId) === aggregate)
        .filter(([streamId]) => after === undefined || compareTexts(streamId, after) > 0)
        .sort(([a], [b]) => compareTexts(a, b))
      return Effect.succeed(own.slice(0, limit).map(([streamId, { length }]) => ({ streamId, version: length })))
    })
})

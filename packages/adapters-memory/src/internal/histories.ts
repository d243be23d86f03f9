import { type EventStore, EventStoreError, Reason } from "@hexfold/core"
import { PositionCheck } from "@hexfold/core/adapter"
import { Effect, Queue } from "effect"
import type { Log } from "./log.ts"

/** The number of the present history of a log. */
export const historyOf = ({ ended }: Log): number => ended.length + 1

/** The present horizon: the last position, because an append in memory is one step and is never under way. */
export const horizonOf = (log: Log): EventStore.Horizon => ({
  position: log.events.length,
  drawn: log.events.length,
  history: historyOf(log),
  holders: []
})

/** The refusal of a read, if the log does not have the position after which it begins. */
export const refusalOf = (options: EventStore.AllReadOptions, log: Log): EventStoreError | undefined =>
  PositionCheck.check("readAll", options, {
    drawn: log.events.length,
    history: historyOf(log),
    endOf: (history) => Math.min(...log.ended.slice(history - 1))
  })

/** Gives the failure of a read that begins now, once the present history has ended. */
export const endOf = (log: Log): (() => EventStoreError | undefined) => {
  const began = historyOf(log)
  return () => {
    if (historyOf(log) === began) return undefined
    const detail = `history ${began} of the log has ended during the read`
    return new EventStoreError({ operation: "readAll", reason: new Reason.Unavailable({ detail }) })
  }
}

/**
 * Takes the last events of a log back and ends its history, as a crash does that
 * loses commits. With 0 events nothing is lost, as by a clean restart. It is one
 * synchronous step.
 */
export const loseLast = (log: Log, count: number): Effect.Effect<void> =>
  Effect.sync(() => {
    const { commands, ended, events, listeners, streams } = log
    for (const { streamId } of events.splice(Math.max(0, events.length - count))) {
      const stream = streams.get(streamId)!
      stream.pop()
      if (stream.length === 0) streams.delete(streamId)
    }
    for (const [id, { appended }] of commands) {
      if (appended.events.some(({ position }) => position > events.length)) commands.delete(id)
    }
    ended.push(events.length)
    for (const listener of listeners) Queue.offerUnsafe(listener, undefined)
  })

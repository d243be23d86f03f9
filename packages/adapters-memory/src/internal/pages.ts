import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { PositionCheck } from "@hexfold/core/adapter"
import { Effect, Option, Stream } from "effect"

type Recorded = EventStore.RecordedEvent

/** Reads events in pages. The index of an event is its version or position minus 1. */
export const pages = (
  events: ReadonlyArray<Recorded>,
  { after: given, ...options }: EventStore.AllReadOptions,
  ended: () => EventStoreError | undefined = () => undefined
): Stream.Stream<Recorded, EventStoreError> => {
  const { aggregates, correlationId, direction = "forwards", except, limit = Infinity, types } = options
  const after = PositionCheck.placeOf(given)
  const upTo = Math.min(options.upTo ?? Infinity, events.length)
  const selects = ({ metadata, streamId, type }: Recorded): boolean => {
    if (correlationId !== undefined && metadata.correlationId !== correlationId) return false
    if (types?.includes(type) === false) return false
    if (aggregates === undefined && except === undefined) return true
    const aggregate = StreamId.aggregateOf(streamId)
    return aggregates?.includes(aggregate) !== false && except?.[aggregate]?.includes(type) !== true
  }
  const step = direction === "forwards" ? 1 : -1
  const first = direction === "forwards" ? (after ?? 0) + 1 : Math.min((after ?? Infinity) - 1, upTo)
  return Stream.paginate({ next: first, left: limit }, ({ left, next }) =>
    Effect.suspend(() => {
      const failure = ended()
      if (failure !== undefined) return Effect.fail(failure)
      const page: Array<Recorded> = []
      let key = next
      for (; key >= 1 && key <= upTo && page.length < Math.min(left, pageSize); key += step) {
        const event = events[key - 1]!
        if (selects(event)) page.push(event)
      }
      const rest = { next: key, left: left - page.length }
      const isLast = key < 1 || key > upTo || rest.left <= 0
      return Effect.succeed([page, isLast ? Option.none<typeof rest>() : Option.some(rest)] as const)
    })
  )
}

const pageSize = 1_000

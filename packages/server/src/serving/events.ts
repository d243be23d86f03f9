/** The feed of recorded events, as far as a caller may read them. */
import {
  type Api,
  type EventReadError,
  EventStore,
  type EventStoreError,
  type Policy,
  Subscription
} from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { Forbidden, InvalidRequest, Unauthenticated } from "../errors.ts"
import { admitted } from "./admission.ts"
import { membersOf } from "./declared.ts"
import { type EventJson, shownOf } from "./receipts.ts"

/** Which events a caller wants. */
interface FeedRequest {
  readonly caller: Policy.Caller | undefined
  /** Goes on after this place. Without it the feed begins with the first event of the log. */
  readonly after?: EventStore.Position
  /** `now`: begins after the events that are there. */
  readonly from?: "now"
  readonly aggregates?: ReadonlyArray<string>
  /** The tags of events. */
  readonly types?: ReadonlyArray<string>
}

/** A step of the feed: an event, or only a place that a reader may go on from. */
interface FeedStep {
  readonly event: EventJson | undefined
  readonly resume: EventStore.Position
}

/** Reads the events of an API. */
export interface Events {
  /** The feed: past events, then each new one. What is wrong with the request fails before there is a stream. */
  readonly feed: (
    request: FeedRequest
  ) => Effect.Effect<
    Stream.Stream<FeedStep, EventStoreError | EventReadError, EventStore.EventStore>,
    Forbidden | InvalidRequest | Unauthenticated | EventStoreError,
    EventStore.EventStore
  >
}

export const eventsOf = (api: Api.Any): Events => {
  const members = membersOf(api)
  const shown = shownOf(api, members)
  const { rules } = api

  /** The aggregates whose events the caller may read, as far as it can be told before there is an event. */
  const readable = ({ aggregates, caller }: FeedRequest) =>
    Effect.gen(function* () {
      const asked = aggregates ?? [...rules.events.keys()]
      const unknown = asked.find((name) => !rules.events.has(name))
      if (unknown !== undefined) {
        const detail = `nobody may read events of ${JSON.stringify(unknown)}`
        return yield* new InvalidRequest({ part: "aggregates", detail })
      }
      const may = yield* Effect.filter(asked, (name) =>
        Effect.isSuccess(admitted(rules.events.get(name)!, caller, "read events"))
      )
      if (may.length > 0) return may.map((name) => members.aggregates.get(name)!)
      return yield* caller === undefined ? new Unauthenticated({}) : new Forbidden({ what: "read events" })
    })

  return {
    feed: (request) =>
      Effect.gen(function* () {
        const { caller, types } = request
        const aggregates = yield* readable(request)
        // "Now" is when the client asks, and not when the first byte of the answer is read.
        const after = request.after ?? (request.from === "now" ? yield* endOfLog : undefined)
        // A place that the log does not have is refused before there is a stream.
        if (request.after !== undefined) {
          const { readAll } = yield* EventStore.EventStore
          yield* Stream.runDrain(readAll({ after: request.after, limit: 1 }))
        }
        const steps = Subscription.eventSteps(aggregates, {
          ...(after === undefined ? {} : { after }),
          ...(types === undefined ? {} : { types })
        })
        return Stream.map(steps, ({ event, resume }) => ({
          event: event === undefined ? undefined : shown.events([event], caller)?.[0],
          resume
        }))
      })
  }
}

const endOfLog: Effect.Effect<EventStore.Position, EventStoreError, EventStore.EventStore> = Effect.gen(function* () {
  const { horizons } = yield* EventStore.EventStore
  const { history, position } = Option.getOrThrow(yield* Stream.runHead(horizons))
  return { history, position }
})

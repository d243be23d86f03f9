/** Recorded events, as far as a caller may read them: the feed of all, and the pages of one conversation. */
import {
  type Api,
  type EventReadError,
  EventStore,
  type EventStoreError,
  type Policy,
  StreamId,
  Subscription
} from "@hexfold/core"
import { AppendCheck, EventCodec } from "@hexfold/core/adapter"
import { Effect, Option, Stream } from "effect"
import { Forbidden, InvalidRequest, Unauthenticated } from "../errors.ts"
import { admitted } from "./admission.ts"
import { membersOf } from "./declared.ts"
import { type EventJson, shownOf } from "./receipts.ts"

/** Which events a caller wants. */
interface Wanted {
  readonly caller: Policy.Caller | undefined
  /** Goes on after this place. Without it the events begin with the first one of the log. */
  readonly after?: EventStore.Position
  readonly aggregates?: ReadonlyArray<string>
  /** The tags of events. */
  readonly types?: ReadonlyArray<string>
}

interface FeedRequest extends Wanted {
  /** `now`: begins after the events that are there. */
  readonly from?: "now"
}

interface ConversationRequest extends Wanted {
  readonly correlationId: string
  /** The most events of a page, from 1 to 1,000. */
  readonly limit?: number
}

/** A page of a conversation, in the order of positions. */
interface ConversationPage {
  /** The events that the caller wants and may read. There may be fewer than the limit although more follow. */
  readonly events: ReadonlyArray<EventJson>
  /** Where the next page begins; undefined if the conversation has no more events so far. */
  readonly next: EventStore.Position | undefined
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
  /** A page of the events that have one correlation id. */
  readonly conversation: (
    request: ConversationRequest
  ) => Effect.Effect<
    ConversationPage,
    Forbidden | InvalidRequest | Unauthenticated | EventReadError | EventStoreError,
    EventStore.EventStore
  >
}

export const eventsOf = (api: Api.Any): Events => {
  const members = membersOf(api)
  const shown = shownOf(api, members)
  const { rules } = api

  /** The aggregates whose events the caller may read, as far as it can be told before there is an event. */
  const readable = ({ aggregates, caller }: Wanted) =>
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
        // It is refused before there is a stream.
        yield* checkPlace(request)
        const steps = Subscription.eventSteps(aggregates, {
          ...(after === undefined ? {} : { after }),
          ...(types === undefined ? {} : { types })
        })
        return Stream.map(steps, ({ event, resume }) => ({
          event: event === undefined ? undefined : shown.events([event], caller)?.[0],
          resume
        }))
      }),

    conversation: (request) =>
      Effect.gen(function* () {
        const { after, caller, correlationId, limit = 100, types } = request
        const aggregates = yield* readable(request)
        yield* checkConversation(correlationId, limit)
        yield* checkPlace(request)
        const { readAll } = yield* EventStore.EventStore
        const { history } = yield* endOfLog
        const names = aggregates.map(({ name }) => name)
        const options = { correlationId, aggregates: names, limit, ...(after === undefined ? {} : { after }) }
        const recorded = yield* Effect.catchTag(Stream.runCollect(readAll(options)), "EventStoreError", notOfClient)
        const decoded = yield* Effect.forEach(recorded, (event) => {
          const codec = EventCodec.of(members.aggregates.get(StreamId.aggregateOf(event.streamId))!)
          return Effect.fromResult(EventCodec.decodeParts(codec, event))
        })
        const wanted = decoded.flat().filter(({ data }) => types?.includes(data._tag) !== false)
        const last = recorded.length < limit ? undefined : recorded.at(-1)
        return {
          events: shown.events(wanted, caller) ?? [],
          next: last === undefined ? undefined : { history, position: last.position }
        }
      })
  }
}

/** Refuses a place that the log does not have. */
const checkPlace = ({ after }: Wanted) =>
  after === undefined
    ? Effect.void
    : EventStore.EventStore.use(({ readAll }) => Stream.runDrain(readAll({ after, limit: 1 })))

const checkConversation = (correlationId: string, limit: number): Effect.Effect<void, InvalidRequest> => {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1_000)) {
    return Effect.fail(new InvalidRequest({ part: "limit", detail: "it is no whole number from 1 to 1000" }))
  }
  const refusal = AppendCheck.checkRange("readAll", { correlationId })
  return refusal === undefined
    ? Effect.void
    : Effect.fail(new InvalidRequest({ part: "correlationId", detail: refusal.reason.detail }))
}

// What the client has asked for was checked before, so what the store refuses is a matter of its operator.
const notOfClient = (error: EventStoreError): Effect.Effect<never, EventStoreError> =>
  error.reason._tag === "Rejected" ? Effect.die(error) : Effect.fail(error)

const endOfLog: Effect.Effect<EventStore.Position, EventStoreError, EventStore.EventStore> = Effect.gen(function* () {
  const { horizons } = yield* EventStore.EventStore
  const { history, position } = Option.getOrThrow(yield* Stream.runHead(horizons))
  return { history, position }
})

/** A place of the log as a text: its history and position. */
export const placeOf = ({ history, position }: EventStore.Position): string => `${history}-${position}`

/** The place of the log that a text names. */
export const positionIn = (place: string): Effect.Effect<EventStore.Position, InvalidRequest> => {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(place)
  return found === null
    ? Effect.fail(new InvalidRequest({ part: "after", detail: "it is no history and position, such as 1-42" }))
    : Effect.succeed({ history: Number(found[1]), position: Number(found[2]) })
}

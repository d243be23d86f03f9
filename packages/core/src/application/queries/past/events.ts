/** The events that had been recorded at a moment: all of a view, or those that may touch some of its records. */
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { idProblem } from "../../../domain/texts.ts"
import * as StreamId from "../../../domain/StreamId.ts"
import type * as View from "../../../domain/View.ts"
import { isFollowed } from "../../../domain/view/follows.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore, RecordedEvent } from "../../../ports/EventStore.ts"
import type { Cut } from "../../events/moment.ts"

type Events = Stream.Stream<RecordedEvent, EventStoreError>

/** The events of a view. Their times do not grow with their positions, so those of a time are looked for in all. */
export const allEvents = (
  view: View.Any,
  events: EventStore["Service"],
  { has, history, upTo }: Cut,
  after = 0
): Events =>
  upTo <= after ? Stream.empty : Stream.filter(events.readAll({ after, upTo, history, ...view.follows }), has)

/** Some records of a view, and the events that make them. */
interface EventsOfKeys {
  readonly keys: ReadonlyArray<string>
  readonly events: Events
}

/** The events of some records. A record that belongs to one stream, or to one event, needs no other events. */
export const eventsOfKeys = (
  view: View.Any,
  given: ReadonlyArray<string>,
  events: EventStore["Service"],
  cut: Cut
): ReadonlyArray<EventsOfKeys> => {
  // No record has a key that no store takes.
  const keys = given.filter((key) => idProblem("key", key) === undefined)
  if (view.keys === "own") return keys.length === 0 ? [] : [{ keys, events: allEvents(view, events, cut) }]
  return keys.flatMap((key) => {
    const found = view.keys === "event" ? atPosition(view, key, events, cut) : ofStream(view, key, events, cut)
    return found === undefined ? [] : [{ keys: [key], events: found }]
  })
}

const ofStream = (view: View.Any, key: string, events: EventStore["Service"], { has }: Cut): Events | undefined => {
  const text = view.keys === "id" ? `${view.sources[0]!.name}-${key}` : key
  const aggregate = Option.getOrUndefined(StreamId.parse(text))?.aggregate
  if (view.sources.every(({ name }) => name !== aggregate)) return undefined
  const ofView = (event: RecordedEvent) => isFollowed(view.follows, event)
  // Within a stream, positions and times grow with the versions.
  return Stream.filter(Stream.takeWhile(events.readStream(text as StreamId.StreamId), has), ofView)
}

const atPosition = (view: View.Any, key: string, events: EventStore["Service"], cut: Cut): Events | undefined => {
  const position = Number(/^(\d{16})(\.\d{3})?$/.exec(key)?.[1])
  if (!Number.isSafeInteger(position) || position < 1) return undefined
  return allEvents(view, events, { ...cut, upTo: Math.min(position, cut.upTo) }, position - 1)
}

/** The events that a reactor or a process handles: whether they are read, and which keys they have. */
import { type EventStore, type Participant, StreamId, type View } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Option, Result } from "effect"
import type { Logged, Tagged } from "../../histories/world.ts"
import type { HandledHistory } from "../golden.ts"
import type { Problem } from "../problem.ts"
import { type Declaring, logged, stored } from "../reading.ts"
import { fewOf } from "../reachable.ts"
import { kindOf, type Reacting } from "./definitions.ts"

/** The keys of a recorded event, or why there are none. */
const keysOf = (
  reacting: Reacting,
  recorded: EventStore.RecordedEvent
): Result.Result<ReadonlyArray<string>, string> => {
  const { id: eventId, metadata, position, recordedAt, streamId, version } = recorded
  const source = reacting.sources.find(({ name }) => name === StreamId.aggregateOf(streamId))
  if (source === undefined) return Result.succeed([])
  const id = source.idOf(streamId)
  if (Option.isNone(id)) return Result.fail(`"${streamId}" is not the stream of an id any more`)
  const place = { aggregate: source.name, id: id.value, streamId, eventId, version, position, recordedAt, metadata }
  const find = reacting.keysOf as unknown as (
    event: Tagged,
    envelope: View.Envelope<string, unknown>
  ) => Result.Result<ReadonlyArray<string>, Error>
  return Result.try({
    try: () =>
      Result.flatMap(
        EventCodec.of(source as unknown as Participant.Source<string, unknown, Tagged>).decode(recorded),
        (events) =>
          Result.map(Result.all(events.map((event, part) => find(event, { ...place, part }))), (keys) => keys.flat())
      ),
    catch: (cause) => cause as Error
  }).pipe(
    Result.flatMap((keys) => keys),
    Result.mapError(({ message }) => message)
  )
}

/** The events that have other keys under the same version, or are not read any more. */
export const compareHandled = (
  reacting: Reacting,
  { handled }: { readonly handled: ReadonlyArray<HandledHistory> }
): ReadonlyArray<Problem> => {
  const { kind } = kindOf(reacting)
  const { name, version } = reacting
  return handled.flatMap(({ events }) => {
    const all = logged(events)
    return events.flatMap(({ keys, streamId, type }, i): ReadonlyArray<Problem> => {
      const where = `${name}, ${type} of ${streamId}`
      const now = keysOf(reacting, all[i]!)
      if (Result.isFailure(now)) {
        const remedy =
          `The ${kind} stops at such an event, or leaves it as a dead letter. If the event is not read any more, the check of its aggregate ` +
          "says why. If `key` has thrown, make it take the event."
        return [{ where, what: now.failure, remedy }]
      }
      const before = keys[String(version)]
      if (before === undefined || before.join("\n") === now.success.join("\n")) return []
      const [former, present] = [before, now.success].map(
        (each) => each.map((key) => JSON.stringify(key)).join(", ") || "none"
      )
      const remedy =
        kind === "process"
          ? `The processes that wait have the former keys, and would not get their events any more. Leave \`key\` as it was.`
          : `Raise the ${kind}'s \`version\` to ${version + 1}. What has waited under the former key may come out of its order.`
      return [{ where, what: `its key was ${former} and is ${present} now`, remedy }]
    })
  })
}

/** A few histories of events that are handled, with their keys. What is known stays. */
export const renewHandled = (
  reacting: Reacting,
  logs: ReadonlyArray<ReadonlyArray<Logged>>,
  known: ReadonlyArray<HandledHistory>
): ReadonlyArray<HandledHistory> => {
  const version = String(reacting.version)
  const candidates = logs.flatMap((log) => historyOf(reacting, log))
  if (candidates.length === 0 && known.length === 0) {
    throw new Error(`No history has an event that ${reacting.name} handles. Give what causes them: { with: [...] }.`)
  }
  const typesOf = ({ events }: HandledHistory) =>
    events.map(({ streamId, type }) => `${StreamId.aggregateOf(streamId as StreamId.StreamId)} ${type}`)
  const jsonOf = ({ events }: HandledHistory) => events.flatMap(({ data, streamId }) => [streamId, data])
  return [...known, ...fewOf(candidates, typesOf, jsonOf, known)].map(({ events }) => {
    const all = logged(events)
    return {
      events: events.map((event, i) => ({
        ...event,
        keys: { [version]: Result.getOrThrow(keysOf(reacting, all[i]!)), ...event.keys }
      }))
    }
  })
}

/** The events of a log that are handled, as far as a store can keep them and they have keys. */
const historyOf = (reacting: Reacting, log: ReadonlyArray<Logged>): ReadonlyArray<HandledHistory> => {
  const own = log.filter(({ event, source }) => {
    const isSource = reacting.sources.some(({ name }) => name === source.name)
    return (
      isSource &&
      source.schemas.events.has(event._tag) &&
      reacting.follows.except[source.name]?.includes(event._tag) !== true
    )
  })
  const all = Result.all(
    own.map(({ event, source, streamId }) =>
      Result.map(stored(source as Declaring, event), (kept) => ({ streamId, ...kept, keys: {} }))
    )
  )
  if (Result.isFailure(all) || all.success.length === 0) return []
  const events = all.success
  return logged(events).every((each) => Result.isSuccess(keysOf(reacting, each))) ? [{ events }] : []
}

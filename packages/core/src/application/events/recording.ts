import * as Result from "effect/Result"
import * as EventCodec from "./EventCodec.ts"
import { type EventReadError, InvalidDecision } from "./errors.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Source } from "../../domain/Participant.ts"
import type { Declaring } from "../../domain/storedTypes.ts"
import * as AppendCheck from "../../ports/AppendCheck.ts"
import type { NewEvent, RecordedEvent, StreamEvent } from "../../ports/EventStore.ts"
import { EventStoreError } from "../../ports/errors.ts"
import { Rejected } from "../../ports/Reason.ts"
import type * as Metadata from "./Metadata.ts"

/** The state after recorded events, from a state or from the initial one. */
export const foldRecorded = <Name extends string, State, Event extends Tagged>(
  aggregate: Source<Name, State, Event>,
  events: ReadonlyArray<StreamEvent>,
  from: State = aggregate.initial
): Result.Result<State, EventReadError> => {
  // A new stream has nothing to decode.
  if (events.length === 0) return Result.succeed(from)
  const codec = EventCodec.of(aggregate)
  let state = from
  for (const recorded of events) {
    const events = codec.decode(recorded)
    if (Result.isFailure(events)) return Result.fail(events.failure)
    for (const event of events.success) state = aggregate.evolve(state, event)
  }
  return Result.succeed(state)
}

/** A current event with all that is known of the recorded event that it comes from. */
export interface DecodedEvent<out Event> extends RecordedEvent<Event> {
  /** Its place, from 0 on, among the current events that the recorded event has become. */
  readonly part: number
}

/** Recorded events with their payloads decoded. */
export const decodeRecorded = <Name extends string, Event extends Tagged>(
  aggregate: Declaring<Name, Event>,
  events: ReadonlyArray<RecordedEvent>
): Result.Result<ReadonlyArray<DecodedEvent<Event>>, EventReadError> => {
  const codec = EventCodec.of(aggregate)
  const decoded: Array<DecodedEvent<Event>> = []
  for (const recorded of events) {
    const parts = codec.decode(recorded)
    if (Result.isFailure(parts)) return Result.fail(parts.failure)
    for (const [part, data] of parts.success.entries()) decoded.push({ ...recorded, data, part })
  }
  return Result.succeed(decoded)
}

/**
 * Encodes decided events and gives each an id and metadata. All events of a
 * command share their metadata: `common` are those of its events on another
 * stream. `nextId` draws the ids. What the settings leave out is the command's id, or the id of the first
 * event if the command has no id.
 */
export const newEvents = <Name extends string, Event extends Tagged>(
  aggregate: Declaring<Name, Event>,
  decided: ReadonlyArray<Event>,
  nextId: () => string,
  commandId: string | undefined,
  settings: Partial<Metadata.Metadata>,
  common?: Metadata.Metadata
): Result.Result<ReadonlyArray<NewEvent>, EventStoreError | InvalidDecision> => {
  const codec = EventCodec.of(aggregate)
  const events = new Array<NewEvent>(decided.length)
  let metadata = common
  for (let i = 0; i < decided.length; i++) {
    const event = decided[i]!
    const encoded = codec.encodeInOrder(event)
    if (Result.isFailure(encoded)) {
      const detail = `the event ${event._tag} does not match its schema: ${encoded.failure.message}`
      return Result.fail(new InvalidDecision({ target: aggregate.name, detail, cause: encoded.failure }))
    }
    const changed = codec.changed(event, encoded.success)
    if (changed !== undefined) {
      const detail = `the event ${event._tag} of ${aggregate.name}: ${changed}`
      return Result.fail(new EventStoreError({ operation: "append", reason: new Rejected({ detail }) }))
    }
    const id = nextId()
    const cause = commandId ?? id
    if (metadata === undefined) {
      const made = metadataOf(settings, cause)
      if ("reason" in made) return Result.fail(made)
      metadata = made
    }
    const made = AppendCheck.withData(id, encoded.success, metadata)
    if ("reason" in made) return Result.fail(made)
    events[i] = made
  }
  return Result.succeed(events)
}

/** The metadata of events that this cause has. What the settings say comes first. */
export const metadataOf = (
  settings: Partial<Metadata.Metadata>,
  cause: string
): Metadata.Metadata | EventStoreError => {
  const { actor, causationId = cause, correlationId = cause, fields, versions } = settings
  if (actor === undefined && fields === undefined && correlationId === cause && causationId === cause) {
    // The id of an event is valid, and the id of a command is checked with its append.
    return Object.freeze({ causationId, correlationId })
  }
  return AppendCheck.checkMetadata({
    correlationId,
    causationId,
    ...(actor === undefined ? undefined : { actor }),
    ...(fields === undefined ? undefined : { fields }),
    ...(versions === undefined ? undefined : { versions })
  })
}

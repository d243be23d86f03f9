/** The check of what is published, before anything is written. Pure. */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { Tagged } from "../../domain/tagged.ts"
import { bounded, quote } from "../../domain/texts.ts"
import type { Topic } from "../../domain/Topic.ts"
import * as EventCodec from "../events/EventCodec.ts"
import * as CommandForm from "./commandForm.ts"
import type { Publication } from "./engine/publishing.ts"
import { invalidStream, streamIdOf } from "./engine/storable.ts"
import { InvalidCommand } from "./errors.ts"
import { givenPart, inputProblem } from "./given.ts"

/** What is published, with what tells whether two publications are the same; or what is wrong with the key or an event. */
export const make = <Name extends string, Key, Event extends Tagged>(
  topic: Topic<Name, Key, Event>,
  key: Key,
  events: ReadonlyArray<Event>
): Result.Result<Publication<Name, Event>, InvalidCommand> => {
  const named = streamIdOf(topic, "key", key)
  if (Result.isFailure(named)) return Result.fail(named.failure)
  const streamId = named.success
  const unstorable = invalidStream(topic.name, "key", [streamId])
  if (unstorable !== undefined) return Result.fail(unstorable)
  const invalid = (place: number, detail: string, cause?: Schema.SchemaError) => {
    const which = events.length === 1 ? "" : `${place + 1} of ${events.length}: `
    const facts = { target: topic.name, part: "event", detail: `${which}${detail}` } as const
    return new InvalidCommand(cause === undefined ? facts : { ...facts, cause })
  }
  const encoded: Array<EventCodec.Encoded> = []
  for (const [place, event] of events.entries()) {
    const one = encodedOf(topic, event, (detail, cause) => invalid(place, detail, cause))
    if (Result.isFailure(one)) return Result.fail(one.failure)
    encoded.push(one.success)
  }
  return Result.succeed({ topic, streamId, events, encoded, invalid })
}

/** The same for equal events under the same key, whether they are published one by one or as a list of one. */
export const fingerprintOf = <Name extends string, Event extends Tagged>({
  encoded,
  events,
  streamId
}: Publication<Name, Event>): string =>
  CommandForm.fingerprintOf(
    streamId,
    encoded.map((each, i) => meantBy(events[i]!, each))
  )

const encodedOf = <Name extends string, Key, Event extends Tagged>(
  topic: Topic<Name, Key, Event>,
  event: Event,
  invalid: (detail: string, cause?: Schema.SchemaError) => InvalidCommand
): Result.Result<EventCodec.Encoded, InvalidCommand> => {
  // Before any work is done on the event: it may come from outside, and be huge.
  const problem = inputProblem(event)
  if (problem !== undefined) return Result.fail(invalid(problem))
  const { events } = topic.schemas
  const tag = CommandForm.tagOf(event)
  if (tag === undefined || !events.has(tag)) {
    const found = tag === undefined ? "there is no _tag" : `the _tag is ${quote(tag)}`
    return Result.fail(invalid(`${found}, expected one of ${[...events.keys()].join(", ")}`))
  }
  const codec = EventCodec.of(topic)
  const encoded = codec.encodeInOrder(event)
  if (Result.isFailure(encoded)) {
    return Result.fail(invalid(`${tag}: ${bounded(encoded.failure.message)}`, encoded.failure))
  }
  const refused = inputProblem(encoded.success.data) ?? codec.changed(event, encoded.success)
  return refused === undefined ? Result.succeed(encoded.success) : Result.fail(invalid(`${tag}: ${refused}`))
}

/** What the program has given of an event, and in which version of the schema. */
const meantBy = (event: Tagged, { data, schemaVersion, type }: EventCodec.Encoded): Schema.Json => {
  const given = givenPart({ ...(data as Schema.JsonObject), _tag: type }, event, "typed")
  return schemaVersion === 1 ? given : [schemaVersion, given]
}

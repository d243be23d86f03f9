/** How recorded events become current events: by the schema of the version they were written with, then step by step. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Declaring, StoredType } from "../../domain/storedTypes.ts"
import type { AnySchema, Tagged } from "../../domain/tagged.ts"
import { thrownText } from "../../domain/texts.ts"
import { stepsFrom, type Version } from "../../domain/Versions.ts"
import { refusedBySchema } from "../../internal/refusedBySchema.ts"
import type { StreamEvent } from "../../ports/EventStore.ts"
import { EventDecodeError, type EventReadError, UnknownEvent } from "./errors.ts"

/** Reads the events of one aggregate: each recorded event becomes none, one or several current events. */
export type Reading<Event> = (recorded: StreamEvent) => Result.Result<ReadonlyArray<Event>, EventReadError>

/** A current event as a store would give it back, for what a step has made. Fails with the `SchemaError` if no store would. */
export type AsStored<Event> = (event: Event) => Result.Result<Event, unknown> | undefined

/** What the events of one type are read with. */
interface Form<Event> {
  /** The schema of each version, from version 1 on. */
  readonly decode: ReadonlyArray<(data: unknown) => Result.Result<unknown, Schema.SchemaError>>
  /** Makes current events of a decoded event that is not one. Undefined for a version that needs no step. */
  readonly steps: ReadonlyArray<((event: unknown) => ReadonlyArray<Event>) | undefined>
}

/** The most events that one stored event may become. */
const mostParts = 1_000

/** Compiles the schemas of an aggregate's stored types. */
export const make = <Event extends Tagged>(
  { name, schemas: { events, stored } }: Declaring<string, Event>,
  asStored: AsStored<Event>
): Reading<Event> => {
  const forms = new Map<string, Form<Event>>()
  for (const [type, schema] of events) forms.set(type, { decode: [decoder(schema)], steps: [undefined] })
  for (const [type, { becomes, version, versions }] of stored) {
    forms.set(type, {
      decode: versions.map(({ schema }) => decoder(schema)),
      steps: versions.map((_, i) => stepOf(versions, i + 1, version, becomes))
    })
  }
  const stepped = (
    recorded: StreamEvent,
    event: unknown,
    steps: (event: unknown) => ReadonlyArray<Event>
  ): ReturnType<Reading<Event>> => {
    let current: ReadonlyArray<Event>
    try {
      current = steps(event)
    } catch (cause) {
      // The author of an aggregate writes the steps, and they may throw or give anything.
      return Result.fail(stepError(recorded, "a step has thrown", cause))
    }
    if (current.length > mostParts) {
      return Result.fail(stepError(recorded, `it becomes ${current.length} events, and at most ${mostParts} may be`))
    }
    const kept: Array<Event> = []
    for (const each of current) {
      const own = asStored(each)
      if (own === undefined) {
        const what = `a step gives "${String(each?._tag)}", and ${name} has only ${[...events.keys()].join(", ")}`
        return Result.fail(stepError(recorded, what))
      }
      if (Result.isFailure(own)) {
        const what = `a step gives a ${each._tag} that does not match its schema`
        return Result.fail(stepError(recorded, what, own.failure))
      }
      kept.push(own.success)
    }
    return Result.succeed(kept)
  }

  return (recorded) => {
    const { data, schemaVersion, type } = recorded
    const form = forms.get(type)
    const decode = form?.decode[schemaVersion - 1]
    if (form === undefined || decode === undefined) return Result.fail(unknown(recorded, form?.decode.length))
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      return Result.fail(decodeError(recorded, `its data is not an object: ${JSON.stringify(data).slice(0, 100)}`))
    }
    const decoded = decode({ ...data, _tag: type })
    if (Result.isFailure(decoded)) {
      return Result.fail(decodeError(recorded, decoded.failure.message, decoded.failure))
    }
    const steps = form.steps[schemaVersion - 1]
    // An event of the present version is a current event.
    if (steps === undefined) return Result.succeed([decoded.success as Event])
    return stepped(recorded, decoded.success, steps)
  }
}

const decoder = (schema: AnySchema) => Schema.decodeUnknownResult(Schema.toCodecJson(schema))

/** All steps from a version to current events. */
const stepOf = <Event>(
  versions: ReadonlyArray<Version>,
  from: number,
  present: number,
  becomes: StoredType<Event>["becomes"]
): Form<Event>["steps"][number] => {
  const steps = stepsFrom(versions, from, present)
  if (steps === undefined && becomes === undefined) return undefined
  const last = becomes as ((event: unknown) => Event | ReadonlyArray<Event>) | undefined
  return (event) => {
    const current = steps === undefined ? event : steps(event)
    const made = last === undefined ? (current as Event) : last(current)
    return isList(made) ? made : [made]
  }
}

const isList = <A>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)

const placeOf = (recorded: StreamEvent) => ({
  stream: recorded.streamId,
  version: recorded.version,
  ...("position" in recorded && typeof recorded.position === "number" ? { position: recorded.position } : {}),
  type: recorded.type
})

const unknown = (recorded: StreamEvent, known: number | undefined) =>
  new UnknownEvent({
    ...placeOf(recorded),
    schemaVersion: recorded.schemaVersion,
    ...(known === undefined ? {} : { known })
  })

const decodeError = (recorded: StreamEvent, detail: string, cause?: unknown) =>
  new EventDecodeError({ ...placeOf(recorded), detail, ...(cause === undefined ? {} : { cause }) })

const stepError = (recorded: StreamEvent, what: string, cause?: unknown) =>
  decodeError(
    recorded,
    `version ${recorded.schemaVersion}: ${what}${cause === undefined ? "" : `: ${thrownText(refusedBySchema(cause) ?? cause)}`}`,
    cause
  )

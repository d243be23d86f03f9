/** The lines of an exported log, and what they say. Pure: see `docs/moving.md` for the format in words. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Metadata } from "../../domain/metadata.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import { quote } from "../../domain/texts.ts"
import type { EventPlace, UsedCommand } from "../../ports/LogTransfer.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import { commandIdOf, ofCommand } from "./StoreKey.ts"

/** The number of the format. A file of another format is refused. */
export const format = 1

/** What a file holds: the whole log if neither aggregates nor streams are named. */
export interface Header {
  /** The identity of the log that was exported: any text of at most 1,000 characters. */
  readonly log: string
  /** When the file was written. */
  readonly writtenAt: DateTime.Utc
  /** The aggregates whose streams are in the file. */
  readonly aggregates?: ReadonlyArray<string>
  /** The streams that are in the file. */
  readonly streams?: ReadonlyArray<string>
}

/** An event of a file. A `RecordedEvent` is one. */
export interface Event extends Omit<RecordedEvent, "imported" | "schemaVersion"> {
  /** 1 if not given. */
  readonly schemaVersion?: number
  /** Whether it had been imported into the log from which it comes. */
  readonly imported?: boolean
}

/** What the last line counts. */
export interface End {
  readonly events: number
  readonly commands: number
}

const Place = Schema.Struct({ stream: Schema.String, version: Schema.Int })

const HeaderLine = Schema.Struct({
  format: Schema.Literal(format),
  log: Schema.String,
  writtenAt: Schema.String,
  aggregates: Schema.optionalKey(Schema.Array(Schema.String)),
  streams: Schema.optionalKey(Schema.Array(Schema.String))
})

const EventLine = Schema.Struct({
  position: Schema.Int,
  stream: Schema.String,
  version: Schema.Int,
  id: Schema.String,
  type: Schema.String,
  schemaVersion: Schema.optionalKey(Schema.Int),
  data: Schema.Unknown,
  metadata: Schema.Record(Schema.String, Schema.Unknown),
  recordedAt: Schema.String,
  imported: Schema.optionalKey(Schema.Boolean)
})

const CommandLine = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  digest: Schema.optionalKey(Schema.String),
  fingerprint: Schema.String,
  streams: Schema.Array(Place),
  events: Schema.Array(Place),
  usedAt: Schema.String
})

const EndLine = Schema.Struct({ events: Schema.Int, commands: Schema.Int })

/** The text of a header, without its hash. */
export const headerText = ({ aggregates, log, streams, writtenAt }: Header): string =>
  text("log", {
    format,
    log,
    writtenAt: DateTime.formatIso(writtenAt),
    ...(aggregates === undefined ? undefined : { aggregates }),
    ...(streams === undefined ? undefined : { streams })
  })

/** The text of an event, without its hash. */
export const eventText = (event: Event): string => {
  const { data, id, imported, metadata, position, recordedAt, schemaVersion = 1, streamId, type, version } = event
  return text("event", {
    position,
    stream: streamId,
    version,
    id,
    type,
    ...(schemaVersion === 1 ? undefined : { schemaVersion }),
    data,
    metadata,
    recordedAt: DateTime.formatIso(recordedAt),
    ...(imported === true ? { imported } : undefined)
  })
}

/** The text of a command, without its hash. */
export const commandText = ({ events, fingerprint, key, streams, usedAt }: UsedCommand): string => {
  const id = commandIdOf(key)
  return text("command", {
    ...(id === undefined ? { digest: key } : { id }),
    fingerprint,
    streams: streams.map(placeText),
    events: events.map(placeText),
    usedAt: DateTime.formatIso(usedAt)
  })
}

/** The text of the last line, without its hash. */
export const endText = ({ commands, events }: End): string => text("end", { events, commands })

const text = (kind: string, content: object): string => `{"${kind}":${JSON.stringify(content)}`

const placeText = ({ streamId, version }: EventPlace) => ({ stream: streamId, version })

/** What a line says. */
export type Content =
  | { readonly _tag: "Header"; readonly header: Header }
  | { readonly _tag: "Event"; readonly event: Event }
  | { readonly _tag: "Command"; readonly command: UsedCommand }
  | { readonly _tag: "End"; readonly end: End }

/** What a line without its hash says, or what is wrong with it. */
export const contentOf = (line: string): Content | string => {
  let parsed: unknown
  try {
    parsed = JSON.parse(`${line}}`)
  } catch (cause) {
    return `is not JSON: ${String(cause)}`
  }
  const [kind, ...more] = Object.keys(parsed as object)
  const isKnown = kind !== undefined && more.length === 0 && Object.hasOwn(readers, kind)
  if (!isKnown) return "is neither a log, nor an event, a command or an end"
  return readers[kind]!((parsed as Readonly<Record<string, unknown>>)[kind])
}

/** A text as an instant, if it is written as this library writes it. */
const timeOf = (text: string): DateTime.Utc | undefined => {
  const time = Option.getOrUndefined(DateTime.make(text))
  return time !== undefined && DateTime.isUtc(time) && DateTime.formatIso(time) === text ? time : undefined
}

const notTime = (what: string, text: string) =>
  `${what} ${quote(text)} is not a time such as "2026-01-31T10:00:00.000Z"`

const reader = <Fields extends Schema.Struct.Fields, A>(
  schema: Schema.Struct<Fields> & Schema.Codec<A, unknown>,
  contentOf: (line: A) => Content | string
) => {
  const decode = Schema.decodeUnknownResult(schema)
  const known = new Set(Object.keys(schema.fields))
  return (given: unknown): Content | string => {
    const unknown = unknownMember(given, known)
    if (unknown !== undefined) return `has an unknown member ${quote(unknown)}`
    const decoded = decode(given)
    return Result.isFailure(decoded) ? decoded.failure.message : contentOf(decoded.success)
  }
}

// The decoder finds such a member in three times the time.
const unknownMember = (given: unknown, known: ReadonlySet<string>): string | undefined => {
  if (typeof given === "object") for (const key in given) if (!known.has(key)) return key
  return undefined
}

const headerOf = reader(HeaderLine, ({ format: _, writtenAt, ...header }) => {
  const time = timeOf(writtenAt)
  return time === undefined
    ? notTime("writtenAt", writtenAt)
    : { _tag: "Header", header: { ...header, writtenAt: time } }
})

const readers: Readonly<Record<string, (given: unknown) => Content | string>> = {
  log: (given) => {
    const found = typeof given === "object" && given !== null && "format" in given ? given.format : undefined
    return found === format
      ? headerOf(given)
      : `the format ${quote(String(found))} is unknown: this library reads format ${format}`
  },

  event: reader(EventLine, ({ data, metadata, recordedAt, stream, ...event }) => {
    const time = timeOf(recordedAt)
    if (time === undefined) return notTime("recordedAt", recordedAt)
    // Parsed JSON is JSON. What metadata must be is checked where they are stored.
    return {
      _tag: "Event",
      event: {
        ...event,
        streamId: stream as StreamId,
        data: data as Schema.Json,
        metadata: metadata as unknown as Metadata,
        recordedAt: time
      }
    }
  }),

  command: reader(CommandLine, ({ digest, events, fingerprint, id, streams, usedAt }) => {
    const time = timeOf(usedAt)
    if (time === undefined) return notTime("usedAt", usedAt)
    if ((id === undefined) === (digest === undefined)) return "a command has either an id or a digest"
    const key = id === undefined ? digest! : ofCommand(id)
    const command = { key, fingerprint, streams: streams.map(placeOf), events: events.map(placeOf), usedAt: time }
    return { _tag: "Command", command }
  }),

  end: reader(EndLine, (end) => ({ _tag: "End", end }))
}

const placeOf = ({ stream, version }: typeof Place.Type): EventPlace => ({ streamId: stream as StreamId, version })

import { PgTypes } from "@effect/sql-pg"
import type { EventStore, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { array, bigints, int4 } from "../database/binds.ts"
import { commandKeyOf, keyOf } from "./keys.ts"

/** A stream that an append writes or checks. */
export interface Touched {
  readonly streamId: StreamId.StreamId
  readonly key: string
  /** How many events it gets. */
  readonly count: number
  readonly expected: Expectation.Expectation
}

/**
 * Each stream of an append once: first those that its parts write, then those
 * that are only checked. A stream that several parts write has the events of all.
 */
export const touched = ({ conditions, parts }: EventStore.Append): ReadonlyArray<Touched> => {
  const writes = parts.length === 1 ? parts[0]!.writes : joined(parts)
  const expectedOf = finder(conditions)
  const isWritten = finder(writes)
  const streams = writes.map(({ events, streamId }, i): Touched => ({
    streamId,
    key: keyOf(streamId),
    count: events.length,
    expected: expectedOf(streamId, i)?.expected ?? Expectation.any
  }))
  conditions.forEach(({ expected, streamId }, i) => {
    if (isWritten(streamId, i) === undefined) streams.push({ streamId, key: keyOf(streamId), count: 0, expected })
  })
  return streams
}

/** Each stream that parts write once, with the events of all parts in their order. */
const joined = (parts: ReadonlyArray<EventStore.Part>): ReadonlyArray<EventStore.Write> => {
  const events = new Map<StreamId.StreamId, Array<EventStore.NewEvent>>()
  for (const { writes } of parts) {
    for (const write of writes) {
      const before = events.get(write.streamId)
      if (before === undefined) events.set(write.streamId, [...write.events])
      else for (const event of write.events) before.push(event)
    }
  }
  return Array.from(events, ([streamId, events]) => ({ streamId, events }))
}

/**
 * Finds the entry of a stream. Most appends have conditions on the streams that
 * they write, in the same order, so it looks at the same place first. Many entries
 * get an index when the first one is not there, so the cost grows with their number only.
 */
const finder = <Entry extends { readonly streamId: StreamId.StreamId }>(entries: ReadonlyArray<Entry>) => {
  let index: ReadonlyMap<StreamId.StreamId, Entry> | undefined
  return (streamId: StreamId.StreamId, place: number): Entry | undefined => {
    if (entries[place]?.streamId === streamId) return entries[place]
    if (entries.length <= 8) return entries.find((entry) => entry.streamId === streamId)
    index ??= new Map(entries.map((entry) => [entry.streamId, entry]))
    return index.get(streamId)
  }
}

/** A part of an append in a call. */
interface PlacedPart {
  /** Its first event, as an index into the events of the call. */
  readonly first: number
  /** Its streams, as indices into the streams of the call: those that got events, in the order of its writes, then the others. */
  readonly places: ReadonlyArray<number>
  /** How many events each of them has got in the call, from this part and from those before. */
  readonly counts: ReadonlyArray<number>
}

/** A command key of a part. */
export interface PlacedCommand extends EventStore.CommandKey {
  readonly key: string
  readonly owner: number
  readonly part: number
}

/** A call for some appends. */
export interface Encoded {
  /** All streams of the call, in the order in which their heads are locked. */
  readonly streams: ReadonlyArray<Touched>
  /** For each append its streams, as indices into `streams`: those of its writes in their order, then the others. */
  readonly placesOf: ReadonlyArray<ReadonlyArray<number>>
  readonly partsOf: ReadonlyArray<ReadonlyArray<PlacedPart>>
  /** In the order in which they are locked. */
  readonly commands: ReadonlyArray<PlacedCommand>
  /** For each event the append that it belongs to, and the event. */
  readonly events: ReadonlyArray<readonly [owner: number, event: EventStore.NewEvent]>
  /** For each event its place among those that its stream gets, from 1. */
  readonly ordinals: ReadonlyArray<number>
  /** Whether an append writes several streams. */
  readonly severalStreams: boolean
  /** The binds of the appends. */
  readonly binds: ReadonlyArray<unknown>
}

const { OID } = PgTypes

const partsOf = (
  { conditions, parts }: EventStore.Append,
  streams: ReadonlyArray<Touched>,
  places: ReadonlyArray<number>,
  firstEvent: number
): ReadonlyArray<PlacedPart> => {
  const [only] = parts
  if (parts.length === 1 && only!.reads === undefined && only!.writes.every(({ events }) => events.length > 0)) {
    return [{ first: firstEvent, places, counts: streams.map(({ count }) => count) }]
  }
  const indices = new Map(streams.map(({ streamId }, i) => [streamId, i]))
  const counts = streams.map(() => 0)
  let next = firstEvent
  return parts.map(({ reads, writes }) => {
    const first = next
    const named: Array<number> = []
    for (const { events, streamId } of writes) {
      if (events.length === 0) continue
      const i = indices.get(streamId)!
      counts[i]! += events.length
      next += events.length
      named.push(i)
    }
    const isNamed = new Set(named)
    const others = [...writes, ...(reads?.map((streamId) => ({ streamId })) ?? conditions)]
    for (const { streamId } of others) {
      const i = indices.get(streamId)!
      if (!isNamed.has(i)) named.push(i)
      isNamed.add(i)
    }
    return { first, places: named.map((i) => places[i]!), counts: named.map((i) => counts[i]!) }
  })
}

/** Puts appends into one call. */
export const encode = (appends: ReadonlyArray<EventStore.Append>, joined: boolean): Encoded => {
  const streamsOf = appends.map(touched)
  const placed = streamsOf
    .flatMap((streams, owner) => streams.map((stream, at) => ({ stream, owner, at })))
    .sort((a, b) => (a.stream.key < b.stream.key ? -1 : a.stream.key > b.stream.key ? 1 : 0))
  const streams = placed.map(({ stream }) => stream)
  const placesOf: ReadonlyArray<Array<number>> = appends.map(() => [])
  placed.forEach(({ at, owner }, place) => (placesOf[owner]![at] = place))
  const commands = appends
    .flatMap(({ parts }, owner) =>
      parts.flatMap(({ command }, part) =>
        command === undefined ? [] : [{ ...command, key: commandKeyOf(command.id), owner, part }]
      )
    )
    .sort((a, b) => (a.key < b.key ? -1 : 1))

  const events: Array<readonly [number, EventStore.NewEvent]> = []
  const eventStreams: Array<number> = []
  const ordinals: Array<number> = []
  let imports = false
  let hasVersions = false
  const parts = appends.map((append, owner) => {
    const parts = partsOf(append, streamsOf[owner]!, placesOf[owner]!, events.length)
    append.parts.forEach(({ writes }, part) => {
      const { counts, places } = parts[part]!
      let at = 0
      for (const write of writes) {
        const { length } = write.events
        if (length === 0) continue
        const before = counts[at]! - length
        const place = places[at++]!
        write.events.forEach((event, i) => {
          events.push([owner, event])
          eventStreams.push(place + 1)
          ordinals.push(before + i + 1)
          if (event.recordedAt !== undefined) imports = true
          if (event.schemaVersion !== undefined && event.schemaVersion > 1) hasVersions = true
        })
      }
    })
    return parts
  })

  const each = <A>(values: ReadonlyArray<A>, oid: number, of: (value: A) => unknown) => array(values.map(of), oid)
  const binds = [
    each(streams, OID.text, ({ key }) => key),
    streams.every(({ key, streamId }) => key === streamId) ? null : each(streams, OID.text, ({ streamId }) => streamId),
    each(streams, OID.int8, ({ expected }) => BigInt(expectedCode(expected))),
    each(streams, OID.int4, ({ count }) => count),
    each(placed, OID.int4, ({ owner }) => owner),
    array(eventStreams, OID.int4),
    array(ordinals, OID.int4),
    each(events, OID.uuid, ([, { id }]) => id),
    each(events, OID.text, ([, { type }]) => type),
    hasVersions ? each(events, OID.int4, ([, { schemaVersion = 1 }]) => schemaVersion) : null,
    each(events, OID.jsonb, ([, { data }]) => data),
    each(events, OID.jsonb, ([, { metadata }]) => metadata),
    imports ? each(events, OID.int8, ([, { recordedAt }]) => timeOf(recordedAt)) : null,
    ...commandBinds(commands, appends, parts, events.length),
    joined
  ]
  const severalStreams = streamsOf.some((streams) => streams.length > 1 && streams.filter(isWritten).length > 1)
  return { streams, placesOf, partsOf: parts, commands, events, ordinals, severalStreams, binds }
}

const isWritten = ({ count }: Touched): boolean => count > 0

// Most calls have no commands.
const commandBinds = (
  commands: ReadonlyArray<PlacedCommand>,
  appends: ReadonlyArray<EventStore.Append>,
  partsOf: ReadonlyArray<ReadonlyArray<PlacedPart>>,
  eventCount: number
): ReadonlyArray<unknown> => {
  if (commands.length === 0) return [null, null, null, null, null, null, null]
  const ofEvents = new Array<number>(eventCount).fill(0)
  const receipts: Array<number> = []
  const places: Array<number> = []
  const counts: Array<number> = []
  commands.forEach(({ owner, part }, i) => {
    const own = partsOf[owner]![part]!
    const length = appends[owner]!.parts[part]!.writes.reduce((sum, { events }) => sum + events.length, 0)
    ofEvents.fill(i + 1, own.first, own.first + length)
    own.places.forEach((place, at) => {
      receipts.push(i + 1)
      places.push(place + 1)
      counts.push(own.counts[at]!)
    })
  })
  return [
    array(
      commands.map(({ owner }) => owner),
      OID.int4
    ),
    array(
      commands.map(({ key }) => key),
      OID.text
    ),
    array(
      commands.map(({ fingerprint }) => fingerprint),
      OID.text
    ),
    array(ofEvents, OID.int4),
    array(receipts, OID.int4),
    array(places, OID.int4),
    array(counts, OID.int4)
  ]
}

/**
 * All binds: those of the appends, the maintained generations, the limit for waiting on locks in milliseconds, and
 * what the process has checked of the log.
 */
export const bindsOf = (
  { binds, severalStreams }: Encoded,
  { ordered, promotions }: { readonly ordered: ReadonlyArray<bigint>; readonly promotions: ReadonlyArray<bigint> },
  lockTimeout: number,
  known: { readonly log: string | undefined; readonly checked: bigint } | undefined
): ReadonlyArray<unknown> => [
  ...binds,
  bigints(promotions),
  bigints(ordered),
  int4(lockTimeout),
  int4(severalStreams ? 1 : 0),
  known?.checked ?? null,
  known?.log ?? null
]

const timeOf = (recordedAt: EventStore.NewEvent["recordedAt"]): bigint | null =>
  recordedAt === undefined ? null : BigInt(recordedAt.epochMilliseconds)

/** The version that a stream must have, as the append function takes it: -1 any, -2 any above 0. */
export const expectedCode = (expected: Expectation.Expectation): number => {
  switch (expected._tag) {
    case "Any":
      return -1
    case "StreamExists":
      return -2
    case "NoStream":
      return 0
    case "Exactly":
      return expected.version
  }
}

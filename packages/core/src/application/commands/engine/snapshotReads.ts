import * as Effect from "effect/Effect"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { StreamRequest, StreamSlice, StreamsRead } from "../../../ports/EventStore.ts"
import type { Found, Snapshotting, Wanted } from "../snapshots/snapshotting.ts"

/** A stream to read, with the state that is known of it so far. */
export interface Readable extends Wanted {
  readonly streamId: StreamId
  state: unknown
  version: number
}

/** What a read needs besides its streams. */
export interface Reading<E> {
  /** The snapshots in use; undefined if this read uses none. */
  readonly snapshots: Snapshotting | undefined
  readonly ask: (requests: ReadonlyArray<StreamRequest>) => Effect.Effect<StreamsRead, E>
}

/**
 * Reads what is new in some streams at one moment. Those of which nothing is known are
 * read on from their snapshots, if they have any: these are then their states and
 * versions.
 *
 * Why a snapshot that is used is a state of its stream. It was saved of a committed
 * version, with the place of the last event. The store says at the moment of the read
 * that the log still has this place, and so it has all earlier events of the stream.
 * The stream still has that version. Anything else is not used, and the stream is read
 * as a whole.
 */
export const readFrom = <E>(
  { ask, snapshots }: Reading<E>,
  wanted: ReadonlyArray<Readable>
): Effect.Effect<StreamsRead, E> => {
  if (snapshots === undefined) return ask(requestsOf(wanted, none))
  const unknown = wanted.filter(({ source, version }) => version === 0 && snapshots.covers(source))
  if (unknown.length === 0) return ask(requestsOf(wanted, none))
  const reading = (bases: Bases): Effect.Effect<StreamsRead, E> =>
    Effect.flatMap(ask(requestsOf(wanted, bases)), (read) => {
      const ahead = wanted.filter((stream, i) => isAhead(bases.get(stream), read.streams[i]!))
      for (const stream of ahead) snapshots.ignore(stream, "ahead")
      // All streams are read again, because the states have to be of one moment.
      if (ahead.length > 0) return reading(new Map([...bases].filter(([stream]) => !ahead.includes(stream))))
      for (const [i, stream] of wanted.entries()) {
        const found = bases.get(stream)
        if (found === undefined) continue
        if (read.streams[i]!.lost === true) snapshots.ignore(stream, "history")
        else {
          snapshots.use(stream, found, found.history < read.history)
          stream.state = found.state
          stream.version = found.version
        }
      }
      return Effect.succeed(read)
    })
  return Effect.flatMap(snapshots.load(unknown), (found) =>
    reading(new Map(unknown.flatMap((stream, i) => (found[i] === undefined ? [] : [[stream, found[i]] as const]))))
  )
}

/** The snapshots from which streams are read on. */
type Bases = ReadonlyMap<Readable, Found>

const none: Bases = new Map()

/** Whether a stream has got shorter than its snapshot. */
const isAhead = (found: Found | undefined, { lost, version }: StreamSlice): boolean =>
  found !== undefined && lost !== true && version < found.version

const requestsOf = (wanted: ReadonlyArray<Readable>, bases: Bases): ReadonlyArray<StreamRequest> =>
  wanted.map((stream) => {
    const { streamId, version } = stream
    const found = bases.get(stream)
    if (found === undefined) return version === 0 ? { streamId } : { streamId, after: version }
    const { history, position } = found
    return { streamId, after: found.version, position: { history, position } }
  })

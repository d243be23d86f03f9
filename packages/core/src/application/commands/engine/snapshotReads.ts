import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { EventStore, StreamRequest, StreamsRead } from "../../../ports/EventStore.ts"
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
  /** The store to ask about a snapshot of an earlier history; undefined if this read must not ask anything else. */
  readonly asks: EventStore["Service"] | undefined
  readonly ask: (requests: ReadonlyArray<StreamRequest>) => Effect.Effect<StreamsRead, E>
}

/**
 * Reads what is new in some streams at one moment. Those of which nothing is known are
 * read on from their snapshots, if they have any: these are then their states and
 * versions.
 *
 * Why a snapshot that is used is a state of its stream. It was saved of a committed
 * version of one history. In this history the stream still has that version, because
 * it has not got shorter. A later history has the same event at the same position as
 * long as that lies before the end of the earlier one, and all earlier events of the
 * stream too. Anything else is not used, and the stream is read as a whole.
 */
export const readFrom = <E>(
  { ask, asks, snapshots }: Reading<E>,
  wanted: ReadonlyArray<Readable>
): Effect.Effect<StreamsRead, E> => {
  if (snapshots === undefined) return ask(requestsOf(wanted, none))
  const unknown = wanted.filter(({ source, version }) => version === 0 && snapshots.covers(source))
  if (unknown.length === 0) return ask(requestsOf(wanted, none))
  const reading = (bases: Bases): Effect.Effect<StreamsRead, E> =>
    Effect.flatMap(ask(requestsOf(wanted, bases)), (read) =>
      Effect.flatMap(usable(asks, snapshots, wanted, bases, read), (left) => {
        if (left.size < bases.size) return reading(left)
        for (const [stream, found] of bases) {
          snapshots.use(stream, found, found.history !== read.history)
          stream.state = found.state
          stream.version = found.version
        }
        return Effect.succeed(read)
      })
    )
  return Effect.flatMap(snapshots.load(unknown), (found) =>
    reading(new Map(unknown.flatMap((stream, i) => (found[i] === undefined ? [] : [[stream, found[i]] as const]))))
  )
}

/** The snapshots from which streams are read on. */
type Bases = ReadonlyMap<Readable, Found>

const none: Bases = new Map()

const requestsOf = (wanted: ReadonlyArray<Readable>, bases: Bases): ReadonlyArray<StreamRequest> =>
  wanted.map((stream) => {
    const version = bases.get(stream)?.version ?? stream.version
    return version === 0 ? { streamId: stream.streamId } : { streamId: stream.streamId, after: version }
  })

/** The snapshots that are states of their streams, by what was read. */
const usable = (
  asks: EventStore["Service"] | undefined,
  snapshots: Snapshotting,
  wanted: ReadonlyArray<Readable>,
  bases: Bases,
  { history, streams }: StreamsRead
): Effect.Effect<Bases> =>
  Effect.gen(function* () {
    const left = new Map<Readable, Found>()
    for (const [i, stream] of wanted.entries()) {
      const found = bases.get(stream)
      if (found === undefined) continue
      if (streams[i]!.version < found.version) snapshots.ignore(stream, "ahead")
      else if (found.history === history) left.set(stream, found)
      else if (asks === undefined) continue
      else if (yield* isShared(asks, found, history)) left.set(stream, found)
      else snapshots.ignore(stream, "history")
    }
    return left
  })

/** Whether the present history shares the events of a snapshot with the earlier one that it was saved in. */
const isShared = (
  store: EventStore["Service"],
  { history, position }: Found,
  current: number
): Effect.Effect<boolean> =>
  history > current
    ? Effect.succeed(false)
    : // A store refuses to read on after a position that the log does not have. Without an answer nothing is known.
      Effect.isSuccess(
        Stream.runDrain(store.readAll({ after: { history, position }, history: current, upTo: position, limit: 1 }))
      )

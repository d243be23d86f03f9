/** The aggregates and processes of the cases about snapshots. */
import {
  Aggregate,
  Boundary,
  Decision,
  EventStore,
  type EventStoreError,
  Snapshots,
  SnapshotStore,
  type StreamId
} from "@hexfold/core"
import { Effect, Option, Schema, Stream } from "effect"
import type { Node } from "../nodes.ts"

const Post = Schema.TaggedStruct("Post", { amounts: Schema.Array(Schema.Int) })
const Posted = Schema.TaggedStruct("Posted", { amount: Schema.Int, text: Schema.String })

/** A state with members whose order has a meaning, and one that has to be encoded. */
const State = Schema.Struct({
  sum: Schema.BigInt,
  count: Schema.Int,
  // By its text, in the order in which the texts came.
  byText: Schema.Record(Schema.String, Schema.Int),
  last: Schema.Option(Schema.String)
})
export type State = typeof State.Type

const none: State = { sum: 0n, count: 0, byText: {}, last: Option.none() }

/** A ledger of a name. Its revisions make other states of the same events. */
export const ledger = (name: string, revision = 1) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: State,
    initial: none,
    revision,
    commands: [Post],
    events: [Posted],
    decide: {
      Post: ({ amounts }, { count }) =>
        Decision.accept(...amounts.map((amount, i) => Posted.make({ amount, text: `é${(amount + count + i) % 5}` })))
    },
    evolve: {
      Posted: ({ byText, count, sum }, { amount, text }) => {
        // A text that comes again goes to the end, and every seventh event begins the order anew.
        const { [text]: before = 0, ...others } = byText
        return {
          sum: sum + BigInt(amount * revision),
          count: count + 1,
          byText: { ...(count % 7 === 6 ? {} : others), [text]: before + 1 },
          last: Option.some(text)
        }
      }
    }
  })
export type Ledger = ReturnType<typeof ledger>

const Move = Schema.TaggedStruct("Move", { from: Schema.String, to: Schema.String, amount: Schema.Int })

/** A command over two ledgers. */
export const move = (aggregate: Ledger) =>
  Boundary.make(`Move_${aggregate.name}`, {
    command: Move,
    participants: ({ from, to }) => ({ from: aggregate.at(from), to: aggregate.at(to) }),
    decide: ({ amount }, { from, to }) =>
      Decision.all({
        from: aggregate.decide({ _tag: "Post", amounts: [-amount] }, from),
        to: aggregate.decide({ _tag: "Post", amounts: [amount] }, to)
      })
  })

/** A name that no other case uses. */
export const newName = (): string => `Ledger_${crypto.randomUUID().replaceAll("-", "")}`

/** What a store is asked for, in order; without the places of events. */
export interface Asked {
  readonly reads: Array<ReadonlyArray<EventStore.StreamRequest>>
  readonly loads: Array<ReadonlyArray<SnapshotStore.Request>>
  readonly removes: Array<SnapshotStore.Selection>
}

/** Stores of a node that note what they are asked for. */
export const watched = (node: Node): { readonly node: Node; readonly asked: Asked } => {
  const asked: Asked = { reads: [], loads: [], removes: [] }
  return {
    asked,
    node: {
      ...node,
      eventStore: {
        ...node.eventStore,
        readStreams: (requests, command) => {
          asked.reads.push(requests.map(({ position: _, ...request }) => request))
          return node.eventStore.readStreams(requests, command)
        }
      },
      snapshotStore: {
        ...node.snapshotStore,
        load: (requests) => {
          asked.loads.push(requests)
          return node.snapshotStore.load(requests)
        },
        remove: (selection) => {
          asked.removes.push(selection)
          return node.snapshotStore.remove(selection)
        }
      }
    }
  }
}

/** Runs an effect on the event store of a node. */
export const on = <A, E>(
  { eventStore }: Node,
  effect: Effect.Effect<A, E, EventStore.EventStore>
): Effect.Effect<A, E> => Effect.provideService(effect, EventStore.EventStore, eventStore)

/** Runs an effect in a process of a node that keeps snapshots. When it has ended, all of them are saved. */
export const keeping =
  (node: Node, of: Snapshots.Options["of"], every = 1) =>
  <A, E>(effect: Effect.Effect<A, E, EventStore.EventStore>): Effect.Effect<A, E> =>
    on(node, effect).pipe(
      Effect.provide(Snapshots.layer({ of, every, timeout: "30 seconds" })),
      Effect.provideService(SnapshotStore.SnapshotStore, node.snapshotStore)
    )

/** The state and the version of a ledger, folded from all events of its stream. */
export const whole = (
  { eventStore }: Node,
  aggregate: Ledger,
  streamId: StreamId.StreamId
): Effect.Effect<{ readonly state: State; readonly version: number }, EventStoreError> =>
  Effect.map(Stream.runCollect(eventStore.readStream(streamId)), (events) => ({
    state: Aggregate.fold(
      aggregate,
      events.map(({ data, type }) => Schema.decodeUnknownSync(Posted)({ ...(data as object), _tag: type }))
    ),
    version: events.length
  }))

/** A state with the order of its members. */
export const shown = ({ state, version }: { readonly state: State; readonly version: number }): string =>
  `${version}: ${state.sum} ${state.count} ${JSON.stringify(state.byText)} ${JSON.stringify(state.last)}`

/** Views of tills, and the records that they must have. */
import { type EventStore, type Projection, Query, Records, View } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Effect, Option, Result, Schema, Stream } from "effect"
import type { Till } from "./tills.ts"

const Seen = Schema.Struct({ cents: Schema.Int, fees: Schema.Int, places: Schema.Array(Schema.String) })
const none: typeof Seen.Type = { cents: 0, fees: 0, places: [] }

/** What differs between views of one till. */
interface Definition {
  readonly name?: string
  readonly consistency?: View.Consistency
  readonly onPoison?: View.OnPoison
  /** The fee for which the handler throws. */
  readonly poison?: number
}

/** A record for each till, one for all, and one for each event: which events were applied, in order. */
export const viewOf = (till: Till, { name = "Sums", poison, ...others }: Definition = {}) =>
  View.make(`${name}_${till.name}`, {
    ...others,
    from: [till],
    state: Seen,
    key: (event, envelope) => [envelope.id, "all", View.perEvent(event, envelope)],
    evolve: {
      Paid: (state = none, { cents }, envelope) => seen({ ...state, cents: state.cents + cents }, envelope),
      FeeCharged: (state = none, { cents }, envelope) => {
        if (cents === poison) throw new Error("poison")
        return seen({ ...state, fees: state.fees + cents }, envelope)
      }
    }
  })

export type Sums = ReturnType<typeof viewOf>

const seen = (
  state: typeof Seen.Type,
  { part, version }: Pick<View.Envelope<string, string>, "part" | "version">
): typeof Seen.Type => ({ ...state, places: [...state.places, `${version}.${part}`] })

/** The records of a view over the events of its till that count. */
export const law = (
  node: { readonly eventStore: EventStore.EventStore["Service"] },
  till: Till,
  view: Sums,
  counts: (event: EventStore.RecordedEvent) => boolean = () => true
) =>
  Effect.map(Stream.runCollect(node.eventStore.readAll({ aggregates: [till.name] })), (log) => {
    const given = log.filter(counts).flatMap((recorded) => {
      const { id: eventId, ...place } = recorded
      const id = Option.getOrThrow(till.idOf(recorded.streamId))
      const events = Result.getOrThrow(EventCodec.of(till).decode(recorded))
      return events.map((event, part) => ({ ...place, eventId, aggregate: till.name, id, event, part }))
    })
    return Object.fromEntries(View.fold(view, given))
  })

/** The records that a view has. */
export const recordsOf = (
  node: { readonly run: <A, E>(effect: Effect.Effect<A, E, Projection.Stores>) => Effect.Effect<A, E> },
  view: Sums
) => node.run(allRecords(view))

/** All records of a view, by key. */
export const allRecords = (view: Sums) =>
  Effect.map(Records.query(view, Query.from(view)), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

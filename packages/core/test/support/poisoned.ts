/** Shared by the tests of poison events: an aggregate, views that fail until they are corrected, and their expected records. */
import { Aggregate, EventStore, Projection, Query, Records, View } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import { appendRaw } from "./projected.ts"

/** Which numbers fail. While they are in `broken`, 6 does not decode, 7 throws, 8 does not encode, and 9 has no key. */
export const hands = { broken: new Set<number>(), everyFourth: false }

/** Lets all these numbers fail, and every fourth sum. An event that fails for one record may then succeed for another. */
export const breakAll = Effect.sync(() => {
  hands.broken = new Set([6, 7, 8, 9])
  hands.everyFourth = true
})

export const mend = Effect.sync(() => {
  hands.broken = new Set()
  hands.everyFourth = false
})

const Put = Schema.TaggedStruct("Put", {
  n: Schema.Int.check(Schema.makeFilter((n) => n !== 6 || !hands.broken.has(6)))
})

const Box = Aggregate.make("Box", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Put],
  errors: [],
  decide: {},
  evolve: { Put: (sum, { n }) => sum + n }
})

const State = Schema.Struct({ ns: Schema.Array(Schema.Int), sum: Schema.Int })
type State = typeof State.Type

const evolve = (state: State = { ns: [], sum: 0 }, { n }: { readonly n: number }): State | undefined => {
  const sum = state.sum + n
  if (hands.broken.has(7) && n === 7) throw new Error("seven")
  if (hands.everyFourth && sum % 4 === 0) throw new Error(`${sum}`)
  return n === 0 ? undefined : { ns: [...state.ns, n], sum: hands.broken.has(8) && n === 8 ? 0.5 : sum }
}

/** One record for each box. */
export const boxes = (onPoison: View.OnPoison) =>
  View.make("Boxes", { from: [Box], state: State, onPoison, evolve: { Put: evolve } })

/** One record for each box, and one for all of them. */
export const pairs = (onPoison: View.OnPoison) =>
  View.make("Pairs", {
    from: [Box],
    state: State,
    onPoison,
    key: ({ n }, { id }) => {
      if (n === 9 && hands.broken.has(9)) throw new Error("nine")
      return [id, "all"]
    },
    evolve: { Put: evolve }
  })

export type Boxes = ReturnType<typeof boxes> | ReturnType<typeof pairs>

export const put = (box: string, n: number) => appendRaw(Box.streamId(box), "Put", { _tag: "Put", n })

const log = Effect.flatMap(EventStore.EventStore, (store) =>
  Effect.map(Stream.runCollect(store.readAll()), (log) =>
    log.map(({ data, streamId }) => ({ box: streamId.slice("Box-".length), n: (data as { n: number }).n }))
  )
)

/** The records after all events, if none of them fails. */
export const law = (view: Boxes) =>
  Effect.map(log, (log) =>
    Object.fromEntries(
      View.fold(
        view,
        log.flatMap(({ box, n }) => View.given(Box, box, { _tag: "Put" as const, n }))
      )
    )
  )

/** The records without the events that fail: without each such event, or without it and all later ones of its key. */
export const lawOfPoison = (view: Boxes) =>
  Effect.map(log, (log) => {
    const records = new Map<string, State>()
    const parked = new Set<string>()
    for (const { box, n } of log) {
      const whole = hands.broken.has(n) && (n === 6 || (n === 9 && !view.perStream))
      for (const key of view.perStream ? [box] : [box, "all"]) {
        if (parked.has(key)) continue
        const next = whole ? failed : attempted(records.get(key), n)
        if (next !== failed && next !== undefined) records.set(key, next)
        if (next === undefined) records.delete(key)
        if (next === failed && view.onPoison === "park") parked.add(key)
      }
    }
    return Object.fromEntries(records)
  })

const failed = Symbol("failed")

const attempted = (state: State | undefined, n: number) => {
  try {
    const next = evolve(state, { n })
    return next === undefined || Schema.is(State)(next) ? next : failed
  } catch {
    return failed
  }
}

/** The present records of a view. */
export const records = (view: Boxes) =>
  Effect.map(Records.query(view, Query.from(view)), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** The dead letters of a view, without their times. */
export const deadLetters = (view: View.Any) =>
  Effect.map(Stream.runCollect(Projection.deadLetters(view)), (deadLetters) =>
    deadLetters.map(({ at: _, ...deadLetter }) => deadLetter)
  )

import { assert } from "@effect/vitest"
import { type EventStore, Projection, Query, Records, View } from "@hexfold/core"
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { append, newName, past, stored, type Till, tillOf } from "../changing/tills.ts"
import { allRecords, law, recordsOf, type Sums, viewOf } from "../changing/views.ts"
import { eventually } from "../eventually.ts"
import type { Cases } from "../plan.ts"
import { job } from "./tallies.ts"
import { open, type TroubledNode } from "./trouble.ts"

/** In memory, in a temporary generation, and there after the records have become too large for the memory. */
const places: ReadonlyArray<Records.FoldOptions> = [{}, { bytesInMemory: 0 }, { bytesInMemory: 100 }]

const minute = (i: number) => DateTime.makeUnsafe(Date.UTC(2020, 0, 1, 12, i))

// The times of a stream do not fall, and those of the log do.
const timed = (i: number) => past().map((event, n) => ({ ...event, recordedAt: minute(i + n) }))

/** A till with three stretches of events on two streams. Their times overlap. */
const filled = (node: TroubledNode) =>
  Effect.gen(function* () {
    const till = tillOf(newName())
    const first = yield* append(node, till, "a", timed(10))
    const second = yield* append(node, till, "b", timed(0))
    const third = yield* append(node, till, "a", timed(20))
    return { till, events: [first, second, third].flatMap(({ events }) => events) }
  })

const recordsAt = (node: TroubledNode, view: Sums, moment: Records.Moment, options: Records.FoldOptions) =>
  allRecords(view).pipe(Effect.provide(Records.at(view, moment, options)), node.run)

const temporaryOf = (node: TroubledNode, { name }: View.Any) =>
  Effect.map(node.viewStore.status, (all) => all.filter((each) => each.view.startsWith(`${name.slice(0, 60)}_past_`)))

/** One record for each till, and one for each event. */
const byStream = (till: Till) =>
  View.make(`ByStream_${till.name}`, {
    from: [till],
    state: Schema.Struct({ cents: Schema.Int }),
    evolve: { Paid: (state = { cents: 0 }, { cents }) => ({ cents: state.cents + cents }) }
  })

const byEvent = (till: Till) =>
  View.make(`ByEvent_${till.name}`, {
    from: [till],
    state: Schema.Struct({ cents: Schema.Int }),
    key: View.perEvent,
    evolve: { Paid: (_, { cents }) => ({ cents }), FeeCharged: (_, { cents }) => ({ cents }) }
  })

const bySource = (till: Till, other: Till) =>
  View.make(`BySource_${till.name}`, {
    from: [till, other],
    state: Schema.Struct({ cents: Schema.Int }),
    evolve: { Paid: (state = { cents: 0 }, { cents }) => ({ cents: state.cents + cents }) }
  })

/** The records of the past are what the events up to then make, and leave nothing behind. */
export const timeTravel: Cases = {
  "the records of a moment are those of the events up to then, and those of today stay as they are": Effect.gen(
    function* () {
      const node = yield* open
      const { events, till } = yield* filled(node)
      const view = viewOf(till)
      yield* node.run(Projection.catchUp(view, job))
      const today = yield* recordsOf(node, view)
      for (const options of places) {
        for (const { position, recordedAt } of [events[0]!, events[3]!, events[9]!, events.at(-1)!]) {
          const last = recordedAt.epochMilliseconds
          const moments: ReadonlyArray<readonly [Records.Moment, (event: EventStore.RecordedEvent) => boolean]> = [
            [{ position }, (event) => event.position <= position],
            [{ time: recordedAt }, (event) => event.recordedAt.epochMilliseconds <= last]
          ]
          for (const [moment, counts] of moments) {
            const expected = yield* law(node, till, view, counts)
            assert.deepStrictEqual(yield* recordsAt(node, view, moment, options), expected)
          }
        }
        assert.deepStrictEqual(yield* recordsAt(node, view, { position: events[0]!.position - 1 }, options), {})
      }
      assert.deepStrictEqual(yield* recordsOf(node, view), today)
      assert.deepStrictEqual(yield* temporaryOf(node, view), [])
    }
  ),

  "some records of a moment are found without the others, whatever makes their keys": Effect.gen(function* () {
    const node = yield* open
    const { events, till } = yield* filled(node)
    const [own, streams, each] = [viewOf(till), byStream(till), byEvent(till)]
    const both = bySource(till, tillOf(newName()))
    const at = Records.at([own, streams, each, both], { position: events[9]!.position })
    const upTo = (event: EventStore.RecordedEvent) => event.position <= events[9]!.position
    const whole = yield* law(node, till, own, upTo)
    yield* Effect.gen(function* () {
      const found = yield* Records.getMany(own, ["a", "all", "none"])
      assert.deepStrictEqual(Object.fromEntries(found), { a: whole["a"]!, all: whole["all"]! })
      assert.deepStrictEqual(yield* Records.get(streams, "a"), Option.some({ cents: 1_050 }))
      assert.deepStrictEqual(yield* Records.get(streams, "b"), Option.some({ cents: 350 }))
      assert.deepStrictEqual(yield* Records.get(both, till.streamId("b")), Option.some({ cents: 350 }))
      for (const none of ["c", "", "-", "a\0b", "Course-1", "0000000000000001"]) {
        for (const view of [streams, both, each]) assert.deepStrictEqual(yield* Records.get(view, none), Option.none())
      }
      const key = (i: number) => String(events[i]!.position).padStart(16, "0")
      const [first, fee, later] = [key(1), `${key(2)}.001`, key(11)]
      const cents = yield* Records.getMany(each, [first, fee, later])
      assert.deepStrictEqual(Object.fromEntries(cents), { [first]: { cents: 150 }, [fee]: { cents: 25 } })
    }).pipe(Effect.provide(at), node.run)
  }),

  "an event that a view does not handle is passed also where it does not decode": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    const { events } = yield* append(node, till, "a", [stored("Noted", {}), stored("Paid", { euros: 2 })])
    const view = byStream(till)
    const moment = { position: events[1]!.position }
    const read = Effect.all([Records.get(view, "a"), Records.count(view, Query.from(view))])
    for (const options of places) {
      const found = yield* node.run(Effect.provide(read, Records.at(view, moment, options)))
      assert.deepStrictEqual(found, [Option.some({ cents: 200 }), 1])
    }
  }),

  "records are the same wherever batches end: what was changed, deleted or parked before stays so": Effect.gen(
    function* () {
      const node = yield* open
      const till = tillOf(newName())
      const many = () => Array.from({ length: 1_100 }, () => stored("Paid", { cents: 1, currency: "EUR" }, 3))
      yield* append(node, till, "gone", [...many(), stored("Noted", { text: "gone" })])
      yield* append(node, till, "parked", [stored("PaidWithFee", { euros: 1, fee: 0.5 }), ...many()])
      const { events } = yield* append(node, till, "kept", [...many(), ...many()])
      const view = View.make(`Batches_${till.name}`, {
        from: [till],
        onPoison: "park",
        state: Schema.Struct({ cents: Schema.Int }),
        evolve: {
          Paid: (state = { cents: 0 }, { cents }) => ({ cents: state.cents + cents }),
          FeeCharged: () => {
            throw new Error("poison")
          },
          Noted: () => undefined
        }
      })
      const all = Records.query(view, Query.from(view))
      for (const options of places) {
        const at = Records.at(view, { position: events.at(-1)!.position }, options)
        const { rows } = yield* node.run(Effect.provide(all, at))
        assert.deepStrictEqual(rows, [{ key: "kept", state: { cents: 2_200 } }])
      }
    }
  ),

  "queries of a moment mean what they mean today: filters, orders, pages, totals, counts and groups": Effect.gen(
    function* () {
      const node = yield* open
      const { events, till } = yield* filled(node)
      const view = byEvent(till)
      const largest = Query.from(view, {
        where: ({ gt }) => gt("cents", 50),
        orderBy: [["cents", "desc"]],
        limit: 2
      })
      const groups = Query.groups(view, { by: ["cents"], values: ({ sum }) => ({ all: sum("cents") }) })
      const read = Effect.gen(function* () {
        const first = yield* Records.page(view, largest)
        const second = yield* Records.query(view, largest, { after: first.next })
        return [
          first.rows,
          first.total,
          second.rows,
          yield* Records.count(view, largest),
          yield* Records.groups(view, groups)
        ]
      })
      yield* node.run(Projection.catchUp(view, job))
      const today = yield* node.run(read)
      for (const options of places) {
        const at = Records.at(view, { position: events.at(-1)!.position }, options)
        assert.deepStrictEqual(yield* node.run(Effect.provide(read, at)), today)
      }
    }
  ),

  "who folds the records of a moment is told how far it is, to the end": Effect.gen(function* () {
    const node = yield* open
    const { events, till } = yield* filled(node)
    const view = viewOf(till)
    const upTo = events.at(-1)!.position
    for (const options of places) {
      const told: Array<Records.Progress> = []
      const onProgress = (progress: Records.Progress) => Effect.sync(() => void told.push(progress))
      const all = Effect.repeat(allRecords(view), { times: 2 })
      yield* node.run(Effect.provide(all, Records.at(view, { position: upTo }, { ...options, onProgress })))
      const isTemporary = options.bytesInMemory !== undefined
      assert.include(told.at(-1), { view: view.name, position: upTo, upTo, isTemporary })
      assert.isAbove(told[0]!.events, 0)
      for (const [i, { events, position }] of told.entries()) {
        assert.isAtMost(position, told[i + 1]?.position ?? upTo)
        assert.isAtMost(events, told[i + 1]?.events ?? events)
      }
      // All queries read what the first one has folded.
      assert.lengthOf(
        told.filter(({ position }) => position === upTo),
        1
      )
    }
  }),

  "an event that cannot be applied counts as the view says: it fails the reads, is left out, or parks its keys":
    Effect.gen(function* () {
      const node = yield* open
      for (const onPoison of ["stop", "skip", "park"] as const) {
        const till = tillOf(newName())
        yield* append(node, till, "a", past())
        const poisoned = yield* append(node, till, "a", [stored("PaidWithFee", { euros: 1, fee: 0.5 })])
        const { events } = yield* append(node, till, "b", past())
        const view = viewOf(till, { onPoison, poison: 50 })
        const moment = { position: events.at(-1)!.position }
        for (const options of places) {
          const records = recordsAt(node, view, moment, options)
          if (onPoison === "stop") {
            const error = yield* Effect.flip(records)
            assert.include(error, { _tag: "ViewStoreError", isRetryable: false })
            const cause = error._tag === "ViewStoreError" ? error.reason.cause : undefined
            assert.include(cause, { _tag: "ProjectionFailed", position: poisoned.events[0]!.position, part: 1 })
            // A record that the event does not touch is read.
            const other = Effect.provide(Records.get(view, "b"), Records.at(view, moment, options))
            assert.strictEqual(Option.getOrThrow(yield* node.run(other)).cents, 1_050)
            continue
          }
          yield* node.run(Projection.catchUp(view, job))
          assert.deepStrictEqual(yield* records, yield* recordsOf(node, view))
        }
        assert.deepStrictEqual(yield* temporaryOf(node, view), [])
      }
    }),

  "what a process has left that died is deleted by the next one": Effect.gen(function* () {
    const node = yield* open
    const { events, till } = yield* filled(node)
    const view = viewOf(till)
    const left = { view: `${view.name.slice(0, 60)}_past_${crypto.randomUUID().replaceAll("-", "")}`, version: 1 }
    const claimed = yield* node.projectionStore.claim({ generation: left, owner: "died", lease: Duration.millis(50) })
    const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
    const owner = { generation: left, epoch }
    yield* node.projectionStore.commit({ owner, from: 0, to: 1, asks: "serve" })
    yield* eventually(
      "the lease has ended",
      Effect.map(temporaryOf(node, view), ([found]) => found?.parts[0]?.owner === undefined)
    )
    yield* recordsAt(node, view, { position: events[0]!.position }, { bytesInMemory: 0 })
    assert.deepStrictEqual(yield* temporaryOf(node, view), [])
  })
}

import { assert } from "@effect/vitest"
import { Aggregate, Metadata, Projection, Query, Records, Versions, View } from "@hexfold/core"
import { Effect, Result, Schema, Stream } from "effect"
import { eventually } from "../eventually.ts"
import type { Cases } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { job, projecting, reaches, statusOf } from "./tallies.ts"
import { open, three } from "./trouble.ts"
import { append, Device, newName, OldDevice, past, stored, tillOf } from "../changing/tills.ts"
import { law, recordsOf, viewOf } from "../changing/views.ts"

const Counted = Schema.TaggedStruct("Counted", { n: Schema.Int })
const CountedV2 = Schema.TaggedStruct("Counted", { by: Schema.Int })
const Renamed = Schema.TaggedStruct("Renamed", { name: Schema.String })

/** A view of a counter, as the program of before and that of today define it: its fingerprint is the same. */
const programs = (onPoison: View.OnPoison) => {
  const name = newName()
  const common = { id: Schema.String, state: Schema.Int, initial: 0 }
  const former = Aggregate.make(name, { ...common, events: [Counted], evolve: { Counted: (sum, { n }) => sum + n } })
  const present = Aggregate.make(name, {
    ...common,
    events: [Versions.first(Counted).next(CountedV2, ({ n }) => CountedV2.make({ by: n })), Renamed],
    evolve: { Counted: (sum, { by }) => sum + by, Renamed: (sum) => sum }
  })
  const viewName = `Counts_${name}`
  const definition = { state: Schema.Int, onPoison } as const
  return {
    counter: present,
    before: View.make(viewName, { ...definition, from: [former], evolve: { Counted: (sum = 0, { n }) => sum + n } }),
    today: View.make(viewName, { ...definition, from: [present], evolve: { Counted: (sum = 0, { by }) => sum + by } })
  }
}

/** Views see current events. What one stored event has become is applied together, and nothing unknown is passed. */
export const changing: Cases = {
  "the events that a stored event has become are applied together, wherever batches end, also in a rebuild": Effect.gen(
    function* () {
      const node = yield* open
      const till = tillOf(newName())
      for (const id of ["a", "b", "a"]) yield* append(node, till, id, past())
      for (const batch of [1, 1_000]) {
        const view = viewOf(till, { name: `Batch${batch}` })
        yield* node.run(Projection.catchUp(view, { ...job, batch }))
        assert.deepStrictEqual(yield* recordsOf(node, view), yield* law(node, till, view))
        assert.deepStrictEqual((yield* node.run(Projection.verify(view))).differences, [])
        yield* node.run(Projection.rebuild(view, { ...job, batch: 3 }))
        assert.deepStrictEqual(yield* recordsOf(node, view), yield* law(node, till, view))
      }
    }
  ),

  "an event of which one part cannot be applied leaves no part in the record, and its dead letter names the part":
    Effect.gen(function* () {
      const node = yield* open
      for (const onPoison of ["skip", "park", "stop"] as const) {
        const till = tillOf(newName())
        const poisoned = yield* append(node, till, "a", [stored("PaidWithFee", { euros: 1, fee: 0.5 })])
        const { position } = poisoned.events[0]!
        yield* append(node, till, "b", past())
        const view = viewOf(till, { onPoison, poison: 50 })
        const done = yield* Effect.exit(node.run(Projection.catchUp(view, job)))
        assert.strictEqual(done._tag, onPoison === "stop" ? "Failure" : "Success")
        const place = String(position).padStart(16, "0")
        const letters = yield* node.run(Stream.runCollect(Projection.deadLetters(view)))
        const own = letters.filter((letter) => letter.position === position)
        if (onPoison === "stop") {
          const [status] = yield* statusOf(node, view)
          assert.deepStrictEqual(status?.parts[0]?.failure?.error?.part, 1)
          continue
        }
        assert.deepStrictEqual(own.map(({ error, key }) => [key, error?.part]), [[`${place}.001`, 1], ["a", 1], ["all", 1]]) // prettier-ignore
        const records = yield* recordsOf(node, view)
        // The record of part 0 alone has nothing to do with part 1.
        assert.deepStrictEqual(records[place]?.places, ["1.0"])
        assert.isUndefined(records["a"])
        if (onPoison === "park") assert.isUndefined(records["all"])
        else assert.notInclude(records["all"]!.places, "1.1")
      }
    }),

  "a view waits before an event of a newer program, and goes on in a process of that program": Effect.gen(function* () {
    for (const [unknown, onPoison] of [
      [stored("Counted", { by: 5 }, 2), "skip"],
      [stored("Renamed", { name: "x" }), "park"]
    ] as const) {
      const { before, counter, today } = programs(onPoison)
      const [old, next, writer] = yield* three
      const { events } = yield* append(writer, counter, "a", [stored("Counted", { n: 2 })])
      const running = yield* projecting(old, before)
      yield* reaches(writer, before, events[0]!.position)
      const more = yield* append(writer, counter, "a", [unknown, stored("Counted", { n: 3 })])
      const stateOf = old.run(monitored(before))
      yield* eventually("the view says that it waits", Effect.map(stateOf, ({ state }) => state === "unknown event")) // prettier-ignore
      const waiting = yield* stateOf
      assert.include(waiting.failure, { position: more.events[0]!.position, type: unknown.type })
      assert.strictEqual(waiting.position, more.events[0]!.position - 1)
      assert.deepStrictEqual(waiting.faults.map(({ reason }) => reason), ["unknown event"]) // prettier-ignore
      assert.strictEqual((yield* Effect.flip(old.run(Projection.catchUp(before, job))))._tag, "ProjectionFailed")
      yield* projecting(next, today)
      yield* reaches(writer, today, more.events[1]!.position)
      const { rows } = yield* writer.run(Records.query(today, Query.from(today)))
      assert.deepStrictEqual(rows.map(({ state }) => state), [unknown.type === "Counted" ? 10 : 5]) // prettier-ignore
      assert.deepStrictEqual(yield* writer.run(Stream.runCollect(Projection.deadLetters(today))), [])
      // The process of before goes on, and stands by.
      assert.isUndefined(running.pollUnsafe())
    }
  }),

  "a view whose handler meets metadata of a newer program waits, whatever it does with poison": Effect.gen(
    function* () {
      const node = yield* open
      for (const onPoison of ["stop", "skip", "park"] as const) {
        for (const place of ["key", "evolve"] as const) {
          const till = tillOf(newName())
          const viewWith = (device: Pick<Metadata.Field<unknown>, "get">) => {
            const read = ({ metadata }: { readonly metadata: Metadata.Metadata }) =>
              Result.getOrThrow(device.get(metadata))
            return View.make(`Devices_${till.name}`, {
              from: [till],
              onPoison,
              state: Schema.Int,
              key: (_, envelope) => (place === "key" && read(envelope) === undefined ? [] : ["all"]),
              evolve: { Paid: (n = 0, _, envelope) => (place === "evolve" && read(envelope) === undefined ? n : n + 1) }
            })
          }
          const written = [OldDevice.set("till 1"), Device.set({ name: "till 2" }), OldDevice.set("till 3")]
          const { events } = yield* append(
            node,
            till,
            "a",
            written.map((setting) => {
              const event = stored("Paid", { euros: 1 })
              const { fields, versions } = Metadata.added({}, { fields: [setting] })
              const more = { ...(fields && { fields }), ...(versions && { versions }) }
              return { ...event, metadata: { ...event.metadata, ...more } }
            })
          )
          const old = viewWith(OldDevice)
          const failed = yield* Effect.flip(node.run(Projection.catchUp(old, job)))
          assert.include(failed, { _tag: "ProjectionFailed", step: "unknown", position: events[1]!.position })
          const status = yield* node.run(monitored(old))
          assert.include(status, { state: "unknown event", position: events[1]!.position - 1 })
          assert.deepStrictEqual(yield* node.run(Stream.runCollect(Projection.deadLetters(old))), [])
          const today = viewWith(Device)
          yield* node.run(Projection.catchUp(today, job))
          const { rows } = yield* node.run(Records.query(today, Query.from(today)))
          assert.deepStrictEqual(rows.map(({ state }) => state), [3]) // prettier-ignore
        }
      }
    }
  )
}

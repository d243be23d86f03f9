import { assert } from "@effect/vitest"
import { Executor, Projection, Query, Records, Subscription } from "@hexfold/core"
import { Effect, Fiber, Option, Schedule, Stream } from "effect"
import { type Cases, needs } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  add,
  answers,
  below,
  type Entries,
  job,
  load,
  newView,
  projecting,
  reaches,
  recordsOf,
  settles,
  type Tally,
  until
} from "./tallies.ts"
import { open, type TroubledNode, three, two } from "./trouble.ts"

/** Executes many commands at once; each finds its event in the records as soon as it has its receipt. */
const readYourWrites = (node: TroubledNode, tally: Tally, view: Entries, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => i),
    (i) =>
      Effect.gen(function* () {
        // There are so many streams that commands seldom conflict; one that does is patient.
        const id = `s${yield* below(10_000)}`
        const patient = { retry: Schedule.spaced("1 millis") }
        const { position } = yield* Executor.execute(tally, id, { _tag: "Add", n: i }, patient).pipe(
          Projection.waitFor([view], { timeout: "2 minutes" })
        )
        const states = yield* Records.getMany(view, [id, "all"])
        assert.include(states.get(id)?.positions ?? [], position)
        assert.include(states.get("all")?.positions ?? [], position)
      }).pipe(node.run),
    { concurrency: 30, discard: true }
  )

/** A caller that waits for a position finds it in the records, whichever process applies the events. */
export const waiting: Cases = {
  "a caller that has waited for its command reads what it wrote in another process, hundreds at once": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const [owner, first, second] = yield* three
      yield* projecting(owner, view)
      const works = [first, second].map((node) => readYourWrites(node, tally, view, 100))
      yield* Effect.all(works, { concurrency: "unbounded" })
    }
  ),

  "the same holds if the view has parts, in several processes": Effect.gen(function* () {
    const { tally, view } = newView()
    const [one, other, client] = yield* three
    for (const node of [one, other]) yield* projecting(node, view, { parts: 4, maxParts: 2 })
    yield* readYourWrites(client, tally, view, 100)
  }),

  "the same holds while the view is rebuilt": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, builder, client] = yield* three
    yield* projecting(owner, view)
    const working = yield* Effect.forkScoped(readYourWrites(client, tally, view, 100))
    for (let build = 2; build < 5 && working.pollUnsafe() === undefined; build++) {
      yield* builder.run(Projection.rebuild(view, { ...job, batch: 5 }))
    }
    yield* Fiber.join(working)
  }),

  "a wait that times out says how far the view is, and can be repeated": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, client] = yield* two
    const unknown = yield* add(client, tally, "a", 1)
    const waitUntil = (position: number) => client.run(Projection.waitUntil(view, position, { timeout: "20 millis" }))
    const timeout = { _tag: "WaitTimeout", view: view.name } as const
    assert.deepInclude(yield* Effect.flip(waitUntil(unknown)), { ...timeout, wanted: unknown, reached: 0 })
    const { position: reached } = yield* owner.run(Projection.catchUp(view))
    const wanted = yield* add(client, tally, "a", 1)
    // A store may take longer than the timeout to answer.
    yield* eventually(
      "the timeout says how far the view is",
      Effect.map(Effect.flip(waitUntil(wanted)), (late) => late._tag === "WaitTimeout" && late.reached === reached)
    )
    yield* projecting(owner, view)
    yield* reaches(client, view, wanted)
    assert.deepStrictEqual((yield* recordsOf(client, view))["a"]?.positions, [unknown, wanted])
  }),

  "the results of a query follow a view under load, no result goes back, and the last one is the final one": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const [owner, watcher, writer] = yield* three
      yield* projecting(owner, view)
      const results: Array<ReadonlyArray<number>> = []
      const watching = (node: TroubledNode) =>
        node.run(
          Subscription.query(view, Query.from(view)).pipe(
            Stream.map(({ rows }) => rows.find(({ key }) => key === "all")?.state.positions ?? []),
            Stream.runForEach((positions) => Effect.sync(() => void results.push(positions)))
          )
        )
      yield* answers(watcher, view)
      yield* Effect.forkScoped(watching(watcher))
      const writing = yield* load([writer], tally)
      yield* until("more is written", () => writing.written() > 100)
      yield* settles(writer, tally, view, writing)
      const final = (yield* recordsOf(writer, view))["all"]!.positions
      yield* until("the final result is there", () => results.at(-1)?.length === final.length)
      for (const [i, next] of results.entries()) {
        assert.deepStrictEqual(next, final.slice(0, next.length))
        if (i > 0) assert.isAbove(next.length, results[i - 1]!.length)
      }
    }
  ),

  "a query that is watched shows an event that commits late": needs("transactions")(function* () {
    const { tally, view } = newView()
    const [owner, watcher] = yield* two
    const writer = yield* open
    yield* projecting(owner, view)
    yield* answers(watcher, view)
    const watching = yield* Effect.forkScoped(
      watcher.run(
        Subscription.query(view, Query.from(view)).pipe(
          Stream.filter(({ rows }) => rows.find(({ key }) => key === "all")?.state.positions.length === 2),
          Stream.runHead
        )
      )
    )
    yield* writer.transaction(
      Effect.gen(function* () {
        yield* add(writer, tally, "late", 1)
        yield* add(watcher, tally, "early", 1)
      })
    )
    assert.isTrue(Option.isSome(yield* Fiber.join(watching)))
  })
}

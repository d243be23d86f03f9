import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { type Cases, needs } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  add,
  answers,
  isFolded,
  job,
  load,
  newTally,
  newView,
  projecting,
  quick,
  reaches,
  recordsOf,
  settles,
  until,
  viewOf,
  worked
} from "./tallies.ts"
import { two } from "./trouble.ts"

/** Projections miss no event, whichever of them reads and whatever commits late. */
export const reading: Cases = {
  "views of one layer share what is read, and miss nothing when one of them lags": Effect.gen(function* () {
    const tally = newTally()
    const views = ["One", "Two", "Three", "Four"].map((name) => viewOf(tally, { name }))
    const [node, writer] = yield* two
    const writing = yield* load([writer], tally)
    // The first view has applied some events already; the others begin later.
    yield* until("there is something to read", () => writing.written() > 30)
    yield* writer.run(Projection.catchUp(views[0]!, job))
    yield* Effect.forkScoped(node.run(Layer.launch(Projection.layer(views, { ...quick, batch: 4 }))))
    yield* until("they work", () => worked(node))
    node.trouble = "deaf"
    yield* until("more is written", () => writing.written() > 80)
    node.trouble = "none"
    yield* until("much more is written", () => writing.written() > 150)
    yield* settles(writer, tally, views[0]!, writing)
    for (const view of views) yield* settles(writer, tally, view, writing)
  }),

  "an append that commits after later ones is applied, and in order": needs("transactions")(function* () {
    const { tally, view } = newView()
    const [node, writer] = yield* two
    yield* projecting(node, view)
    yield* answers(node, view)
    for (let i = 0; i < 5; i++) {
      const [appended, end] = [yield* Deferred.make<number>(), yield* Deferred.make<void>()]
      const pending = yield* Effect.forkScoped(
        writer.transaction(
          add(writer, tally, "late", i).pipe(
            Effect.tap((position) => Deferred.succeed(appended, position)),
            Effect.tap(() => Deferred.await(end))
          )
        )
      )
      const late = yield* Deferred.await(appended)
      const early = yield* add(node, tally, "early", i)
      assert.isAbove(early, late)
      // A projection that passes the append under way by mistake has time to do so.
      for (let reads = 0; reads < 20; reads++) yield* recordsOf(node, view)
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(pending)
      yield* reaches(node, view, early)
      yield* isFolded(node, tally, view)
    }
  }),

  "appends that roll back do not stop a projection": needs("transactions")(function* () {
    const { tally, view } = newView()
    const [node, writer] = yield* two
    yield* projecting(node, view)
    for (let i = 0; i < 10; i++) {
      const rolledBack = Effect.andThen(add(writer, tally, "never", i), add(node, tally, "soon", i))
      yield* Effect.exit(writer.transaction(Effect.andThen(rolledBack, Effect.fail("rolled back"))))
    }
    yield* answers(node, view)
    yield* eventually(
      "all that is committed is applied",
      Effect.map(recordsOf(node, view), ({ soon }) => soon?.positions.length === 10)
    )
    yield* isFolded(node, tally, view)
  })
}

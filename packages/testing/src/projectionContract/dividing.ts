import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import {
  below,
  eventually,
  load,
  newView,
  projecting,
  settles,
  statusOf,
  until,
  wereOneByOne,
  worked
} from "./cases.ts"
import { type Cases, openAll, type Process } from "./process.ts"

const owners = (process: Process, view: { readonly name: string }) =>
  Effect.map(statusOf(process, view), (all) => all[0]?.parts.map(({ owner }) => owner) ?? [])

/** The parts of a view have an owner each, and all of them together are the view. */
export const dividing: Cases = {
  "the parts of an owner that goes away are taken over, each event is applied once": Effect.gen(function* () {
    const { tally, view } = newView()
    const processes = yield* openAll(3)
    const writing = yield* load(processes, tally)
    const options = { parts: 4, workers: 3, batch: 5 }
    const [first] = yield* Effect.forEach(processes, (process) => projecting(process, view, options))
    yield* eventually(
      "each part has an owner of its own",
      Effect.map(owners(processes[1]!, view), (all) => new Set(all).size === 4 && !all.includes(undefined))
    )
    yield* until("the first one works", () => worked(processes[0]!))
    processes[0]!.trouble = "gone"
    yield* Fiber.interrupt(first!)
    const made = processes[1]!.commits.length
    yield* until("another one goes on", () => worked(processes[1]!, made + 10))
    yield* settles(processes[1]!, tally, view, writing)
    wereOneByOne(processes)
  }),

  "owners of parts whose connections come and go apply each event once": Effect.gen(function* () {
    const { tally, view } = newView()
    const [writer, ...processes] = yield* openAll(3)
    const writing = yield* load([writer!], tally)
    for (const process of processes) yield* projecting(process, view, { parts: 3, batch: 4 })
    for (let i = 0; i < 30; i++) {
      processes[yield* below(2)]!.trouble = (["none", "late", "deaf", "gone"] as const)[yield* below(4)]!
      yield* Effect.sleep(yield* below(50))
      yield* processes[yield* below(2)]!.deliver
    }
    for (const process of processes) process.trouble = "none"
    for (const process of processes) yield* process.deliver
    yield* settles(writer!, tally, view, writing)
    wereOneByOne(processes)
  }),

  "the number of parts changes under load; what the owners of the old ones send late changes nothing": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const [writer, ...processes] = yield* openAll(5)
      const writing = yield* load([writer!], tally)
      for (const [i, parts] of [3, 1, 4, 2].entries()) {
        const process = processes[i]!
        // Who has only one worker leaves parts behind that stand apart.
        const running = yield* projecting(process, view, { parts, batch: 4, workers: i === 0 ? 1 : parts })
        yield* eventually(
          `there are ${parts} parts`,
          Effect.map(owners(writer!, view), ({ length }) => length === parts)
        )
        yield* until("it works", () => worked(process))
        process.trouble = "late"
        if (i < 3) yield* Fiber.interrupt(running)
        const late = process.commits.length
        if (i > 0) {
          const before = processes[i - 1]!
          assert.isFalse((yield* before.deliver).some(Exit.isSuccess))
        }
        assert.strictEqual(process.commits.length, late)
        if (i === 3) process.trouble = "none"
      }
      yield* settles(writer!, tally, view, writing)
      wereOneByOne(processes)
    }
  )
}

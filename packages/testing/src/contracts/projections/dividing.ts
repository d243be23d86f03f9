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
} from "./support.ts"
import { type Cases, openAll, type Process } from "./node.ts"

const owners = (process: Process, view: { readonly name: string }) =>
  Effect.map(statusOf(process, view), (all) => all[0]?.parts.map(({ owner }) => owner) ?? [])

/** The parts of a view have an owner each, and all of them together are the view. */
export const dividing: Cases = {
  "the parts of an owner that goes away are taken over, each event is applied once": Effect.gen(function* () {
    const { tally, view } = newView()
    const processes = yield* openAll(3)
    const writing = yield* load(processes, tally)
    const options = { parts: 4, maxParts: 3, batch: 5 }
    const running = yield* Effect.forEach(processes, (process) => projecting(process, view, options))
    yield* eventually(
      "each part has an owner of its own",
      Effect.map(owners(processes[1]!, view), (all) => new Set(all).size === 4 && !all.includes(undefined))
    )
    // Two of them may have taken all parts.
    yield* until("one of them works", () => processes.some((process) => worked(process)))
    const lost = processes.findIndex((process) => worked(process))
    processes[lost]!.trouble = "gone"
    yield* Fiber.interrupt(running[lost]!)
    const others = processes.filter((_, i) => i !== lost)
    const made = others.map(({ commits }) => commits.length)
    yield* until("another one goes on", () => others.some((process, i) => worked(process, made[i]! + 10)))
    yield* settles(others[0]!, tally, view, writing)
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
        const running = yield* projecting(process, view, { parts, batch: 4, maxParts: i === 0 ? 1 : parts })
        yield* eventually(
          `there are ${parts} parts`,
          Effect.map(owners(writer!, view), ({ length }) => length === parts)
        )
        yield* until("it works", () => worked(process))
        process.trouble = "late"
        if (i < 3) yield* Fiber.interrupt(running)
        if (i > 0) assert.isFalse((yield* processes[i - 1]!.deliver).some(Exit.isSuccess))
        if (i === 3) process.trouble = "none"
      }
      yield* settles(writer!, tally, view, writing)
      wereOneByOne(processes)
    }
  )
}

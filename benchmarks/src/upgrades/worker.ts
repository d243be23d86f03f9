/**
 * A process of one of the programs: it keeps its views, executes commands and reads, until it is told to stop with SIGTERM.
 *   node worker.ts URL FOLDER NAME PROGRAM LEASE
 */
import { Projection, type UnknownEvent } from "@hexfold/core"
import { Effect, Layer, Option } from "effect"
import { join } from "node:path"
import { stores } from "../kills/open.ts"
import { below, randomOf } from "../rounds/random.ts"
import { fileOf, writer } from "./lines.ts"
import { balanceOf, type Command, type Contents, type Name, programs, tills } from "./programs.ts"
import "../rounds/endWithParent.ts"

const [url, folder, name, program, lease] = process.argv.slice(2) as [string, string, string, Name, string]
const { execute, load, snapshots, views } = programs[program]
const write = writer(join(folder, fileOf(name)))

let isStopping = false
process.on("SIGTERM", () => (isStopping = true))

const stuck = ({ schemaVersion, type }: UnknownEvent) =>
  Effect.andThen(
    Effect.sync(() => write({ _tag: "Stuck", program, type, schemaVersion })),
    Effect.sleep("100 millis")
  )

const wrong = (problem: string) => write({ _tag: "Wrong", program, problem })

/** Repeats a command under its id until it is done, or the process is to stop. Whoever comes after it repeats it then. */
const settle = (till: string, command: Command, commandId: string): Effect.Effect<void, unknown, Projection.Stores> =>
  Effect.suspend(() => (isStopping ? Effect.succeed(undefined) : execute(till, command, commandId))).pipe(
    Effect.tap((version) =>
      Effect.sync(() => {
        if (version !== undefined) write({ _tag: "Done", program, commandId, version })
      })
    ),
    Effect.catchIf(
      (error) => "isRetryable" in error && error.isRetryable,
      (error) =>
        Effect.andThen(
          error._tag === "UnknownEvent" ? stuck(error) : Effect.sleep("50 millis"),
          settle(till, command, commandId)
        )
    ),
    Effect.asVoid
  )

const commanding = (worker: number) =>
  Effect.gen(function* () {
    const random = randomOf(process.pid, `commands ${worker}`)
    for (let n = 0; !isStopping; n++) {
      const commandId = `${name}-${process.pid}-${worker}-${n}`
      const till = tills[below(random, tills.length)]!
      const command: Command =
        random() < 0.5 ? { _tag: "Pay", cents: 1 + below(random, 999) } : { _tag: "Note", text: commandId }
      write({ _tag: "Sent", program, commandId, till, command })
      yield* settle(till, command, commandId)
      yield* Effect.sleep(5 + below(random, 20))
    }
  })

/** Reads all the time. A state never has less than one that this process has seen before. */
const reading = Effect.gen(function* () {
  const random = randomOf(process.pid, "reads")
  const seen = new Map<string, Contents>()
  const balances = new Map<string, number>()
  while (!isStopping) {
    const till = tills[below(random, tills.length)]!
    const state = yield* Effect.asSome(load(till)).pipe(
      Effect.catchTag("UnknownEvent", (unknown) => Effect.as(stuck(unknown), Option.none<Contents>()))
    )
    const before = seen.get(till) ?? { cents: 0, notes: [] }
    if (Option.isSome(state)) {
      const { cents, notes } = state.value
      if (cents < before.cents) wrong(`misread: ${till} has ${cents} cents after ${before.cents}`)
      if (before.notes.some((note, i) => note !== notes[i])) wrong(`misread: ${till} has other notes than before`)
      seen.set(till, state.value)
    }
    const record = yield* Effect.orElseSucceed(balanceOf(program, till), () => Option.none())
    if (Option.isSome(record)) {
      const { cents } = record.value
      if (cents < (balances.get(till) ?? 0)) wrong(`misread: the record of ${till} has less than before`)
      balances.set(till, cents)
    }
    yield* Effect.sleep("20 millis")
  }
}).pipe(
  Effect.retry({ times: 20 }),
  Effect.catch((error) => Effect.sync(() => wrong(`read: ${String(error)}`)))
)

const all = [views.balances, views.notes]

const running = Effect.gen(function* () {
  const context = yield* stores(url, { views: all })
  yield* Effect.gen(function* () {
    yield* Layer.build(Projection.layer(all, { lease: Number(lease) }))
    const snapshotting = yield* Layer.build(snapshots)
    yield* Effect.provideContext(
      Effect.all([commanding(0), commanding(1), reading], { concurrency: "unbounded", discard: true }),
      snapshotting
    )
  }).pipe(Effect.scoped, Effect.provideContext(context))
})

await Effect.runPromise(Effect.scoped(running))
process.exit(0)

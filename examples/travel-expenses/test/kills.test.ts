/**
 * Kills processes at random moments while a log is executed. HEXFOLD_LOG names
 * the log; by default it is the sample, repeated many times. HEXFOLD_RUNS is
 * the number of runs.
 */
import { assert, layer } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Projection, ProjectionMonitor } from "@hexfold/core"
import { Console, Context, Effect, Layer, Option, Redacted, Schedule, Stream } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { definitions, keeping, views } from "../src/keeping.ts"
import { execute, records, sample } from "./log.ts"
import { type Database, Server, server, storesIn } from "./server.ts"

const log = process.env["HEXFOLD_LOG"]
const runs = Number(process.env["HEXFOLD_RUNS"] ?? 1)
const kills = log === undefined ? 2 : 3
/** The longest time that a process works before it is killed, in milliseconds. */
const longest = log === undefined ? 100 : 3_000
/** The largest number of rows that are executed while processes are killed. */
const most = 3_000

const lines = Effect.promise(async () => {
  const content = await readFile(log ?? sample)
  const [header, ...rows] = (log?.endsWith(".gz") ? gunzipSync(content) : content).toString().trimEnd().split("\n")
  if (log !== undefined) return { header, rows }
  const copy = (n: number) => rows.map((row) => row.replaceAll(/(declaration|step)-/g, `$1-${n}-`))
  return { header, rows: Array.from({ length: 40 }, (_, n) => copy(n)).flat() }
})

/** A database in which most of the log is executed, before any process is killed. */
class Begun extends Context.Service<
  Begun,
  {
    /** The database without records of views. */
    readonly bare: Database
    /** The database with records that the appends maintain. */
    readonly inline: Database
    /** The file with the rest of the log. */
    readonly rest: string
    /** The records of the views after the whole log. */
    readonly expected: Effect.Success<typeof records>
  }
>()("Begun") {
  static readonly layer = Layer.effect(
    Begun,
    Effect.gen(function* () {
      const { header, rows } = yield* lines
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "hexfold-kills-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const file = (name: string, part: ReadonlyArray<string>) =>
        Effect.as(
          Effect.promise(() => writeFile(join(folder, name), [header, ...part].join("\n"))),
          join(folder, name)
        )
      const at = rows.length - Math.min(most, Math.floor(rows.length / 2))
      const first = yield* file("first.csv", rows.slice(0, at))
      const rest = yield* file("rest.csv", rows.slice(at))
      const whole = Effect.andThen(execute(first), keeping("after", execute(rest)))
      const expected = yield* Effect.provide(Effect.andThen(whole, records), MemoryStores.layer())

      const { newDatabase } = yield* Server
      const bare = yield* newDatabase()
      yield* Effect.provide(execute(first), storesIn(bare))
      const inline = yield* newDatabase(bare)
      yield* Effect.provide(keeping("inline", Effect.succeed({ position: 0 })), storesIn(inline, definitions("inline")))
      return { bare, inline, rest, expected }
    })
  )
}

/** A process that ends with the scope. */
const start = (program: URL, args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--conditions=@hexfold/source", fileURLToPath(program), ...args], {
          stdio: ["ignore", "ignore", "inherit"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child) => {
      const exit = new Promise<number | NodeJS.Signals | null>((resolve) =>
        child.once("exit", (code, signal) => resolve(signal ?? code))
      )
      return {
        kill: Effect.promise(() => {
          child.kill("SIGKILL")
          return exit
        }),
        hasEnded: Effect.sync(() => child.exitCode !== null),
        exit: Effect.promise(() => exit)
      }
    }
  )

type Started = Effect.Success<ReturnType<typeof start>>

interface Progress {
  readonly position: number
  readonly isIdle: boolean
}

/**
 * Kills one process after the other, each at a random moment after it has made progress, in milliseconds below a limit.
 * The last process lives.
 */
const killing = <E, R, R2>(
  starting: Effect.Effect<Started, never, R>,
  progress: Effect.Effect<Progress, E, R2>,
  limit: number
) =>
  Effect.gen(function* () {
    const killedAt: Array<number> = []
    while (killedAt.length < kills) {
      const before = yield* progress
      const child = yield* starting
      const working = Effect.zipWith(
        progress,
        child.hasEnded,
        (now, hasEnded) => now.position > before.position || now.isIdle || hasEnded
      )
      yield* Effect.repeat(working, { until: (is) => is, schedule: Schedule.spaced("10 millis") })
      yield* Effect.sleep(Math.random() * limit)
      if ((yield* child.kill) !== "SIGKILL") break
      killedAt.push((yield* progress).position)
    }
    return { last: yield* starting, killedAt }
  })

/** The position of the last written event. */
const written = Effect.flatMap(EventStore.EventStore, ({ horizons }) =>
  Effect.map(Stream.runHead(horizons), (horizon): Progress => ({
    position: Option.getOrThrow(horizon).position,
    isIdle: false
  }))
)

/** The sum of the positions that the views have applied. */
const applied = Effect.map(ProjectionMonitor.status(views), (all): Progress => ({
  position: all.reduce((sum, { position }) => sum + position, 0),
  isIdle: all.every(({ lag }) => lag === 0)
}))

/** Repeats a run with a limit of the moments of its kills. A run whose first process ended before its kill does not count. */
const repeatedly = <E, R>(run: (limit: number) => Effect.Effect<ReadonlyArray<number>, E, R>) =>
  Effect.gen(function* () {
    const started = performance.now()
    for (let i = 1; i <= runs; i++) {
      let killedAt: ReadonlyArray<number> = []
      for (let limit = longest; killedAt.length === 0; limit /= 2) killedAt = yield* run(limit)
      const seconds = Math.round((performance.now() - started) / 1_000)
      if (runs > 1) yield* Console.log(`${i} of ${runs} equal, killed at ${killedAt.join(", ")}; ${seconds} s`)
    }
  })

layer(Begun.layer.pipe(Layer.provideMerge(server)), { excludeTestServices: true, timeout: "10 minutes" })(
  "the views of a log are equal",
  (it) => {
    it.effect(
      "when their projections are killed while they are built and the log goes on",
      () =>
        Effect.gen(function* () {
          const { newDatabase } = yield* Server
          const { bare, expected, rest } = yield* Begun
          yield* repeatedly((limit) =>
            Effect.gen(function* () {
              const database = yield* newDatabase(bare)
              const projecting = start(new URL("./projecting.ts", import.meta.url), [Redacted.value(database.url)])
              return yield* Effect.gen(function* () {
                const [{ position }, { killedAt }] = yield* Effect.all(
                  [execute(rest), killing(projecting, applied, limit)],
                  {
                    concurrency: "unbounded"
                  }
                )
                yield* Projection.waitUntil(views, position, { timeout: "2 minutes" }).pipe(
                  // On a busy machine the last process begins its work, or takes it over, later than one wait allows.
                  Effect.retry({
                    times: 20,
                    while: (error) =>
                      error._tag === "WaitTimeout" && (error.reason === "unbuilt" || error.reason === "unowned")
                  })
                )
                assert.deepStrictEqual(yield* records, expected)
                return killedAt
              }).pipe(Effect.provide(storesIn(database)))
            }).pipe(Effect.scoped)
          )
        }),
      300_000 * runs
    )

    it.effect(
      "when the appends maintain them, in processes that are killed and repeat their commands",
      () =>
        Effect.gen(function* () {
          const { newDatabase } = yield* Server
          const { expected, inline, rest } = yield* Begun
          yield* repeatedly((limit) =>
            Effect.gen(function* () {
              const database = yield* newDatabase(inline)
              const writing = start(new URL("../src/main.ts", import.meta.url), [
                ...["--views", "inline", "--input", rest, "--database-url", Redacted.value(database.url)]
              ])
              return yield* Effect.gen(function* () {
                const { killedAt, last } = yield* killing(writing, written, limit)
                assert.strictEqual(yield* last.exit, 0)
                const states = (yield* ProjectionMonitor.status(views)).map(({ state }) => state)
                assert.deepStrictEqual(new Set(states), new Set(["inline"]))
                assert.deepStrictEqual(yield* records, expected)
                return killedAt
              }).pipe(Effect.provide(storesIn(database)))
            }).pipe(Effect.scoped)
          )
        }),
      300_000 * runs
    )
  }
)

import { assert, it } from "@effect/vitest"
import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
import { Aggregate, Decision, Executor } from "@hexfold/core"
import { Effect, Exit, Layer, Schedule, Schema, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"

class Count extends Schema.TaggedClass<Count>()("Count", {}) {}
class Counted extends Schema.TaggedClass<Counted>()("Counted", {}) {}

const Counter = Aggregate.make("Counter", {
  id: Schema.Int,
  state: Schema.Int,
  initial: 0,
  commands: [Count],
  events: [Counted],
  errors: [],
  decide: { Count: () => Decision.accept(new Counted()) },
  evolve: { Counted: (count) => count + 1 }
})

/** Kills a process, unless it has ended by itself, as the server's workers do. */
const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

const workers = 32
const commandsEach = 60

describe("a server that is killed while commands run", () => {
  it.live("loses no answered command, doubles none, and the process goes on without a restart", () =>
    Effect.gen(function* () {
      const dataFolder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "hexfold-crash-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
      // Built by hand, so that the server can be killed and started again while the store is open.
      const start = (port?: number) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const layer = EmbeddedPostgres.layer({ dataFolder, ...(port === undefined ? {} : { port }) })
          const context = yield* Layer.buildWithScope(layer, scope)
          const server = yield* Effect.provideContext(EmbeddedPostgres.EmbeddedPostgres, context)
          return { ...server, close: Scope.close(scope, Exit.void) }
        }).pipe(Effect.retry(Schedule.spaced("100 millis")))
      const first = yield* start()
      let answered = 0
      let failures = 0

      const worker = (id: number) =>
        Effect.gen(function* () {
          for (let i = 0; i < commandsEach; i++) {
            yield* Executor.execute(Counter, id, new Count(), { commandId: `${id}-${i}` }).pipe(
              Effect.tapError((error) =>
                Effect.sync(() => {
                  failures++
                  assert.isTrue(
                    error._tag === "ConcurrencyConflict" || (error._tag === "EventStoreError" && error.isRetryable),
                    String(error)
                  )
                })
              ),
              Effect.retry(Schedule.spaced("20 millis"))
            )
            answered++
          }
        })

      const crash = Effect.gen(function* () {
        const quarter = Effect.callback<boolean>(
          (resume) => void setImmediate(() => resume(Effect.sync(() => answered > (workers * commandsEach) / 4)))
        )
        yield* quarter.pipe(Effect.repeat({ until: (reached) => reached }))
        const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(first.pid)], { encoding: "utf8" })
        for (const pid of [first.pid, ...children.trim().split(/\s+/).map(Number)]) kill(pid)
        yield* first.close
        const second = yield* start(first.port)
        yield* Effect.addFinalizer(() => second.close)
      })

      yield* Effect.gen(function* () {
        yield* Effect.all([crash, ...Array.from({ length: workers }, (_, id) => worker(id))], {
          concurrency: "unbounded",
          discard: true
        })
        for (let id = 0; id < workers; id++) {
          assert.deepStrictEqual(yield* Executor.load(Counter, id), { state: commandsEach, version: commandsEach })
        }
      }).pipe(Effect.provide(PgEventStore.layerUrl(first.url)))
      assert.isAbove(failures, 0)
    })
  )
})

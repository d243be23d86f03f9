import { EventStore, Projection, ViewStore } from "@hexfold/core"
import { Effect, Exit, References, type Schema, Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { stores } from "../kills/open.ts"
import type { Verdict } from "../rounds/command.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Kept, keep, work } from "../rounds/processes.ts"
import { below, randomOf } from "../rounds/random.ts"
import { startServer } from "../rounds/server.ts"
import { check, type Left } from "./check.ts"
import { killing, noHits } from "./killing.ts"
import { rowsOf, sliceOf } from "./log.ts"
import { planOf } from "./plan.ts"
import { inlineViews, views } from "./views.ts"

export { prepare } from "../kills/round.ts"

/** The fewest kills of a round that must meet an owner. */
const least = 3

const statusOf = Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)
const isInline = ({ inline, view }: ViewStore.Status) => inline || !inlineViews.some(({ name }) => name === view)

/** Waits until all views have all events, and appends maintain the inline ones again. The check finds what is not so. */
const settled = Effect.fnUntraced(function* (patience: number) {
  const store = yield* EventStore.EventStore
  const log = yield* Stream.runCollect(store.readAll())
  const problems: Array<string> = []
  yield* Projection.waitUntil(views, log.at(-1)?.position ?? 0, { timeout: patience }).pipe(
    Effect.catch((error) => Effect.sync(() => problems.push(`behind: ${error.message}`)))
  )
  yield* Effect.repeat(Effect.delay(statusOf, "100 millis"), {
    until: (all) => all.every(isInline),
    times: patience / 100
  })
  return { log, problems }
})

/** All records of a view as the store has them: the JSON by key. */
const recordsOf = ({ name, version }: (typeof views)[number]) =>
  Effect.gen(function* () {
    const { query } = yield* ViewStore.ViewStore
    const { rows } = yield* query({ _tag: "Records", view: name, orderBy: [] }, version)
    return new Map<string, Schema.Json>(rows.map(({ key, state }) => [key, state]))
  })

/** What is left of all views when no process works on them any more. */
const left = Effect.gen(function* () {
  const all = yield* statusOf
  const remains = new Map<string, Left>()
  for (const view of views) {
    const { different, unjudged } = yield* Projection.verify(view)
    remains.set(view.name, {
      records: yield* recordsOf(view),
      generations: all.filter(({ view: name }) => name === view.name),
      deadLetters: (yield* Stream.runCollect(Projection.deadLetters(view))).length,
      verified: { different, unjudged }
    })
  }
  return remains
})

const quietly = Effect.provideService(References.MinimumLogLevel, "Fatal")

/** Runs the round of a seed in a folder, which is made. The data stay there. */
export const roundsWith =
  (log: string | undefined, pace: number) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    const plan = planOf(seed, pace)
    const data = join(folder, "data")
    mkdirSync(folder, { recursive: true })
    execFileSync("cp", ["-a", template, data])
    const server = await startServer(data)
    const output = join(folder, "output.txt")
    const problems: Array<string> = []
    const hits = noHits()
    const workers = new Map<string, Kept>()
    const args = [server.url, String(seed), String(pace)]
    const scope = await Effect.runPromise(Scope.make())
    let writer: ReturnType<typeof work> | undefined
    try {
      const context = await Effect.runPromise(Scope.provide(stores(server.url, { views }), scope))
      const run = <A, E>(effect: Effect.Effect<A, E, Projection.Stores>): Promise<A> =>
        Effect.runPromise(quietly(Effect.provideContext(effect, context)))
      const resting = randomOf(seed, "rests")
      for (const name of ["A", "B", "C", "D"].slice(0, plan.workers)) {
        const onExit = (code: number | null) =>
          problems.push(`ended: worker ${name} ended by itself with exit code ${code}`)
        const program = new URL("./worker.ts", import.meta.url)
        workers.set(
          name,
          keep(program, args, output, onExit, () => below(resting, 500))
        )
      }
      // The kills go on for as long as the log is executed.
      let isOver = false
      const status = () => run(patiently(statusOf))
      const killer = killing(randomOf(seed, "kills"), status, workers, () => isOver, hits).catch((error: unknown) =>
        problems.push(`stuck: the kills ended early: ${String(error)}`)
      )
      const written = performance.now()
      writer = work(new URL("./writer.ts", import.meta.url), [...args, ...(log === undefined ? [] : [log])], output)
      const late = sleep(4 * plan.patience, "late" as const, { ref: false })
      const code = await Promise.race([writer.done, late]).finally(() => (isOver = true))
      const writing = performance.now() - written
      if (code !== 0) problems.push(`stuck: the writer ended with ${code}`)
      await killer
      const { log: events, problems: found } = await run(patiently(settled(plan.patience)))
      const ends = [...workers].map(async ([name, worker]) => {
        if (!(await worker.end("SIGTERM", 60_000))) problems.push(`stuck: worker ${name} does not end`)
      })
      await Promise.all(ends)
      const rows = sliceOf(rowsOf(log), seed)
      const checked = check({ rows, log: events, views: await run(patiently(left)) })
      problems.push(...found, ...checked.problems)
      if (hits.hits < least) problems.push(`few: ${hits.hits} kills met an owner, and ${least} must`)
      const lines = (existsSync(output) ? readFileSync(output, "utf8") : "").split("\n")
      // The stacks of errors that end a process, and what Effect logs.
      const errors = lines.filter((line) => /has stopped|\b(ERROR|FATAL)\b|^\w*Error\b|^\s+at \S/.test(line))
      problems.push(...errors.slice(0, 5).map((line) => `logged: ${line}`))
      const { byKind, kills } = hits
      const figures = {
        ...checked.figures,
        kills: kills.length,
        "kills of an owner": hits.hits,
        "of an async view": byKind.async,
        "of a part": byKind.part,
        "of an inline view that it followed": byKind.inline,
        "of an inline view that appends maintained": byKind["inline, by appends"],
        warnings: lines.filter((line) => /\bWARN\b/.test(line)).length,
        "seconds of the log": Math.round(writing / 1_000)
      }
      return { seed, seconds: Math.round((performance.now() - begun) / 100) / 10, kills, figures, problems }
    } finally {
      writer?.giveUp()
      await Promise.all([...workers.values()].map((worker) => worker.end("SIGKILL", 5_000)))
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await server.stop()
    }
  }

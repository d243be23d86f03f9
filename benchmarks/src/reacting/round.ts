import { Deadline, EventStore, type Projection, ProjectionMonitor, Query, Records } from "@hexfold/core"
import { Effect, Exit, References, Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { stores } from "../kills/open.ts"
import type { Verdict } from "../rounds/command.ts"
import { patiently } from "../rounds/patiently.ts"
import { below, randomOf } from "../rounds/random.ts"
import { startServer } from "../rounds/server.ts"
import { check } from "./check.ts"
import { arrive, play } from "./customers.ts"
import type { Fact, LeftOf, Remains } from "./facts.ts"
import { startOutside } from "./outside.ts"
import { startWorkers } from "./processes.ts"
import { reactionsOf } from "./versions.ts"
import { scriptOf } from "./script.ts"
import { planOf } from "./settings.ts"

export { prepare } from "../kills/round.ts"

const logNow = Effect.flatMap(EventStore.EventStore, (store) => Stream.runCollect(store.readAll())).pipe(
  Effect.map((events) =>
    events.map(({ data, metadata, position, streamId, type }): Fact => ({
      ...{ stream: streamId, type, position, cause: metadata.causationId },
      data: data as Fact["data"]
    }))
  )
)

/** How many timers wait. */
const waitingNow = Records.query(Deadline.Waiting, Query.from(Deadline.Waiting, { limit: 100 })).pipe(
  Effect.map(({ rows }) => rows.length),
  // Nobody has set a timer yet.
  Effect.catchTag("NotServing", () => Effect.succeed(0))
)

/** What is left of the process managers and reactors: of the version that runs, and the dead letters of all. */
const leftNow = (reactions: ReturnType<typeof reactionsOf>) =>
  Effect.map(ProjectionMonitor.status(reactions), (all) =>
    all
      .filter(({ view }) => /^(process|reactor)\//.test(view))
      .map(({ isDeclared, lag, owners, parked, skipped, version, view }): LeftOf => ({
        name: `${view}, version ${version}`,
        lag: isDeclared ? lag : 0,
        deadLetters: parked + skipped,
        unownedParts: isDeclared ? owners.filter((owner) => owner === undefined).length : 0
      }))
  )

const ends = new Set(["OrderCompleted", "OrderCancelled", "GroupCheckedOut", "GroupCheckOutIncomplete"])

/** Errors that were logged, and the stacks of those that end a process. A warning may have a stack. */
const errorsIn = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  let isWarning = false
  return lines.filter((line) => {
    if (/^\S*\[\d\d:/.test(line)) isWarning = /\bWARN\b/.test(line)
    return /has stopped|\b(ERROR|FATAL)\b/.test(line) || (!isWarning && /^\w*Error\b|^\s+at \S/.test(line))
  })
}

const quietly = Effect.provideService(References.MinimumLogLevel, "Fatal")

/** Runs the round of a seed in a folder, which is made. The data stay there. */
export const roundsAt =
  (pace: number) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    const plan = planOf(seed, pace)
    const script = scriptOf(seed)
    const data = join(folder, "data")
    mkdirSync(folder, { recursive: true })
    execFileSync("cp", ["-a", template, data])
    const server = await startServer(data)
    const outside = await startOutside({
      seed,
      behaviourOf: (payment) => script.orders.find(({ id }) => id === payment)!.behaviour,
      late: plan.settings.unpaid + 1_000
    })
    const output = join(folder, "output.txt")
    const problems: Array<string> = []
    const scope = await Effect.runPromise(Scope.make())
    let workers: ReturnType<typeof startWorkers> | undefined
    try {
      const context = await Effect.runPromise(Scope.provide(stores(server.url, { views: [] }), scope))
      const run = <A, E>(effect: Effect.Effect<A, E, Projection.Stores>): Promise<A> =>
        Effect.runPromise(quietly(Effect.provideContext(effect, context)))
      await run(arrive(script))
      workers = startWorkers({ seed, plan, args: [server.url, outside.url], output, problems })
      await workers.ready
      const played = performance.now()
      const { note } = workers
      const restarting = async () => {
        const { death } = plan
        if (death === undefined) return
        const random = randomOf(seed, "server")
        await sleep(below(random, 6_000))
        note(`server ${death}`)
        await server.kill(death)
        await sleep(below(random, 500))
        await server.start()
      }
      await Promise.all([run(play(script)), workers.killing(), workers.deploying(), restarting()])

      const reactions = reactionsOf({ ...plan.settings, version: workers.version() })
      const remains = async (): Promise<Remains> => ({
        script,
        log: await run(patiently(logNow)),
        outside: outside.left(),
        reactions: await run(patiently(leftNow(reactions))),
        waiting: await run(patiently(waitingNow))
      })
      const isOver = ({ log, reactions: left, waiting }: Remains) =>
        waiting === 0 &&
        outside.isSilent() &&
        left.every(({ lag, unownedParts }) => lag === 0 && unownedParts === 0) &&
        log.filter(({ type }) => ends.has(type)).length >= script.orders.length + script.groups.length
      // Everything is over when nothing comes any more.
      const end = performance.now() + plan.patience
      let last = await remains()
      for (;;) {
        await sleep(300)
        const next = await remains()
        const isStill = next.log.length === last.log.length
        last = next
        if (isStill && isOver(next)) break
        if (performance.now() > end) {
          problems.push("stuck: it is not over in time")
          break
        }
      }
      const settled = performance.now()
      await workers.stop("SIGTERM")
      const { figures, problems: found } = check({ ...last, log: await run(patiently(logNow)) })
      problems.push(...found)
      const lines = (existsSync(output) ? readFileSync(output, "utf8") : "").split("\n")
      problems.push(
        ...errorsIn(lines)
          .slice(0, 5)
          .map((line) => `logged: ${line}`)
      )
      if (problems.length > 0) writeFileSync(join(folder, "remains.json"), JSON.stringify(last, null, 1))
      return {
        ...{ seed, kills: workers.kills, problems },
        seconds: Math.round((performance.now() - begun) / 100) / 10,
        figures: {
          ...figures,
          ...{ kills: workers.kills.length, warnings: lines.filter((line) => /\bWARN\b/.test(line)).length },
          "seconds to the end": Math.round((settled - played) / 1_000),
          [`deployment ${plan.deployment}`]: 1
        }
      }
    } finally {
      await workers?.stop("SIGKILL")
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await outside.close()
      await server.stop()
    }
  }

import { EventStore, Projection, Records } from "@hexfold/core"
import { Effect, Exit, Fiber, References, Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Balances, InlineBalances, type Seen, Total, views } from "./accounts.ts"
import { check, keyOf } from "./check.ts"
import { clientFile, type Event, type Line, linesOfClients, read } from "./lines.ts"
import { stores } from "./open.ts"
import { type Kept, keep } from "../rounds/processes.ts"
import { below, type Random, randomOf } from "../rounds/random.ts"
import { following, noted, projecting } from "./reading.ts"
import { settleOpen } from "./repeating.ts"
import { type Death, startServer } from "../rounds/server.ts"
import type { Verdict } from "../rounds/command.ts"

const clients = ["A", "B"] as const
const deaths: ReadonlyArray<Death> = ["main", "all", "immediate"]
/** How many settled commands are executed again at the end. */
const again = 60

/** What is killed: at least one server and one client, and others at random. */
const planned = (random: Random) => {
  const server = () => `server ${deaths[below(random, deaths.length)]}`
  const client = () => `client ${clients[below(random, clients.length)]}`
  const other = () => (random() < 0.4 ? server() : random() < 0.6 ? client() : "reader")
  const chosen = [server(), client(), ...Array.from({ length: 1 + below(random, 3) }, other)]
  const order = chosen.map((victim) => ({ victim, place: random() })).sort((a, b) => a.place - b.place)
  return order.map(({ victim }) => ({ victim, pause: below(random, 300), rest: below(random, 200) }))
}

/** Makes a folder with an empty store, which rounds copy. */
export const prepare = async (folder: string): Promise<void> => {
  const server = await startServer(folder)
  await Effect.runPromise(Effect.scoped(stores(server.url)))
  await server.stop()
}

/** Waits for a condition, at most so many seconds. */
const until = async (seconds: number, condition: () => boolean): Promise<boolean> => {
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end && !condition()) await sleep(20)
  return condition()
}

/** The log and the records, when the views have caught up. */
const left = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const log = (yield* Stream.runCollect(store.readAll())).map(noted)
  const problems: Array<string> = []
  yield* Projection.waitUntil(views, log.at(-1)?.position ?? 0, { timeout: "20 seconds" }).pipe(
    Effect.catch((error) => Effect.sync(() => problems.push(`view: ${error.message}`)))
  )
  const records = new Map<string, ReadonlyMap<string, Seen>>()
  const ids = new Set(log.map(keyOf))
  for (const view of [Balances, Total, InlineBalances]) {
    records.set(view.name, yield* Records.getMany(view, view === Total ? ["all"] : [...ids]))
    const { different } = yield* Projection.verify(view)
    if (different > 0) problems.push(`view ${view.name}: verify finds ${different} records that differ`)
  }
  return { log, records, problems }
})

/** Runs the round of a seed in a folder, which is made. The data stay there. */
export const round = async (seed: number, template: string, folder: string): Promise<Verdict> => {
  const begun = performance.now()
  const data = join(folder, "data")
  mkdirSync(folder, { recursive: true })
  execFileSync("cp", ["-a", template, data])
  const server = await startServer(data)
  const problems: Array<string> = []
  const kills: Array<string> = []
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Scope.provide(stores(server.url), scope))
  const kept = new Map<string, Kept>()
  const add = (name: string, program: string, ...args: ReadonlyArray<string>) => {
    const onExit = (code: number | null) => problems.push(`ended: ${name} ended by itself with exit code ${code}`)
    kept.set(name, keep(new URL(program, import.meta.url), [server.url, ...args], join(folder, "output.txt"), onExit))
  }
  // These live through all kills of the server, in this process: a follower, and projections of all views.
  const files = { "this process": join(folder, "followed.jsonl"), reader: join(folder, "followed-by-reader.jsonl") }
  const living = Effect.runFork(
    Effect.all([following(files["this process"]), projecting], { concurrency: "unbounded" }).pipe(
      Effect.provideService(References.MinimumLogLevel, "Fatal"),
      Effect.provideContext(context)
    )
  )
  living.addObserver((exit) => {
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit))
      problems.push(`ended: the follower of this process: ${String(exit.cause)}`)
  })
  add("reader", "reader.ts", files.reader)
  for (const name of clients)
    add(`client ${name}`, "client.ts", folder, name, String(seed), "8", name === "B" ? "cache" : "plain")

  const linesOf = (name: string) => read<Line>(join(folder, clientFile(name)))
  const receiptsOf = (name: string) => linesOf(name).filter(({ _tag }) => _tag === "Receipt").length
  const killing = async () => {
    let start: number | undefined
    for (const { pause, rest, victim } of planned(randomOf(seed, "kills"))) {
      // Each kill meets commands, and the kill of a client some of its own.
      const before = clients.map(receiptsOf)
      const haveWorked = () => {
        const news = clients.map((name, i) => receiptsOf(name) - before[i]!)
        const own = clients.findIndex((name) => victim === `client ${name}`)
        return news.reduce((sum, count) => sum + count, 0) >= 20 && (own < 0 || news[own]! >= 5)
      }
      if (!(await until(90, haveWorked)))
        problems.push(`stuck: too few new receipts within 90 seconds, before the kill of ${victim}`)
      start ??= performance.now()
      await sleep(pause)
      kills.push(`${victim} at ${Math.round(performance.now() - start)}`)
      if (victim.startsWith("server")) {
        await server.kill(victim.split(" ")[1] as Death)
        await sleep(rest)
        await server.start()
      } else kept.get(victim)!.kill()
    }
    await sleep(300)
  }
  try {
    await killing()
    const ended = clients.map(async (name) => {
      if (!(await kept.get(`client ${name}`)!.end("SIGTERM", 40_000)))
        problems.push(`stuck: client ${name} does not end`)
    })
    await Promise.all(ended)
    await Effect.runPromise(Effect.provideContext(settleOpen(folder, seed, again), context))
    const { log, problems: found, records } = await Effect.runPromise(Effect.provideContext(left, context))
    problems.push(...found)
    const followed = () => new Map(Object.entries(files).map(([name, file]) => [name, read<Event>(file)]))
    await until(90, () => [...followed().values()].every((events) => events.length >= log.length))
    // Time for an event that comes too often.
    await sleep(100)
    const checked = check({ lines: linesOfClients(folder), log, followed: followed(), records })
    problems.push(...checked.problems)
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    return { seed, seconds, kills, figures: checked.figures, problems }
  } finally {
    await Promise.all([...kept.values()].map((process) => process.end("SIGKILL", 5_000)))
    await Effect.runPromise(Effect.andThen(Fiber.interrupt(living), Scope.close(scope, Exit.void)))
    await server.stop()
  }
}

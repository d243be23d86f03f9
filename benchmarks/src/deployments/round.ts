import { EventStore, Projection, Query, Records, ViewStore } from "@hexfold/core"
import { Effect, Exit, Layer, References, Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { check as checkCommands } from "../kills/check.ts"
import { linesOfClients, read } from "../kills/lines.ts"
import { stores } from "../kills/open.ts"
import { noted } from "../kills/reading.ts"
import { settleOpen } from "../kills/repeating.ts"
import type { Verdict } from "../rounds/command.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Job, type Kept, keep, work } from "../rounds/processes.ts"
import { below, randomOf } from "../rounds/random.ts"
import { type Death, startServer } from "../rounds/server.ts"
import { check } from "./check.ts"
import { counting } from "./counting.ts"
import { type Observed, observedFile } from "./lines.ts"
import type { Settings, Task } from "./settings.ts"
import { inlineNames, type Name, projecting, type State, type Version, viewsOf } from "./views.ts"

export { prepare } from "../kills/round.ts"

const slots = ["A", "B"] as const
type Slot = (typeof slots)[number]

/** What a seed decides, besides the victims of the kills. Times are in milliseconds. */
const planOf = (seed: number, pace: number) => {
  const random = randomOf(seed, "plan")
  const isLeft = random() < 0.5
  return {
    lease: 3_000 * pace,
    /** How long to wait for what must happen. The machine may be busy with other things. */
    patience: 120_000 * pace,
    kills: 4 + below(random, 4),
    /** Whether a job waits until version 1 answers before it is rolled back. */
    servesBefore: random() < 0.5,
    /** Whether version 1 is dropped by itself, and not by a job. */
    dropsItself: random() < 0.5,
    /** Whether version 1 is left while only version 2 runs. */
    isLeft,
    /** How long a version may have no owner before it counts as left. */
    leftAfter: (isLeft ? 3_000 : 60_000) * pace,
    /** How a process is ended in a rollout. */
    ending: (): NodeJS.Signals => (random() < 0.7 ? "SIGTERM" : "SIGKILL")
  }
}

type Plan = ReturnType<typeof planOf>

/** The processes of a round: the slots of the application, the job under way, and the server. */
const processesOf = async (
  { patience, seed }: Plan & { readonly seed: number },
  template: string,
  folder: string,
  problems: Array<string>
) => {
  const data = join(folder, "data")
  mkdirSync(folder, { recursive: true })
  execFileSync("cp", ["-a", template, data])
  const server = await startServer(data)
  const output = join(folder, "output.txt")
  const running = new Map<Slot, { readonly process: Kept; readonly version: Version }>()
  let job: Job | undefined
  let jobs = 0
  let isOver = false

  const counted = Object.fromEntries(slots.map((slot) => [slot, counting(join(folder, observedFile(slot)))])) as Record<
    Slot,
    ReturnType<typeof counting>
  >
  const answersOf = (slot: Slot, version: Version) => counted[slot](version, "Read", "NotServing")
  const readsOf = (slot: Slot, version: Version) => counted[slot](version, "Read")

  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    const end = performance.now() + patience
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`stuck: ${what}`)
      await sleep(50)
    }
  }

  const startIn = (slot: Slot, settings: Settings): void => {
    const args = [server.url, folder, slot, String(seed), JSON.stringify(settings)]
    const onExit = (code: number | null) =>
      problems.push(`ended: process ${slot} ended by itself with exit code ${code}`)
    const process = keep(new URL("./app.ts", import.meta.url), args, output, onExit)
    running.set(slot, { process, version: settings.version })
  }

  return {
    server,
    running,
    until,
    startIn,
    /** Waits until a process has read records since now. */
    answers: async (slot: Slot) => {
      const { version } = running.get(slot)!
      const before = readsOf(slot, version)
      await until(`process ${slot} of version ${version} reads no records`, () => readsOf(slot, version) > before + 8)
    },
    /** Waits until all processes have been answered since now, whatever the answers are. */
    allWork: async () => {
      for (const [slot, { version }] of running) {
        const before = answersOf(slot, version)
        await until(
          `process ${slot} of version ${version} does nothing`,
          () => isOver || answersOf(slot, version) > before + 4 || running.get(slot)?.version !== version
        )
      }
    },
    end: async (slot: Slot, signal: NodeJS.Signals) => {
      if (!(await running.get(slot)!.process.end(signal, 60_000))) problems.push(`stuck: process ${slot} does not end`)
      running.delete(slot)
    },
    /** Runs a job to its end. */
    runJob: async (task: Task, settings: Settings) => {
      const name = `${task}-${++jobs}`
      const args = [server.url, folder, name, task, JSON.stringify(settings)]
      job = work(new URL("./job.ts", import.meta.url), args, output)
      const { done } = job
      const late = sleep(patience, "late" as const, { ref: false })
      const code = await Promise.race([done, late])
      if (code !== 0) throw new Error(`stuck: job ${name} ended with ${code}`)
      job = undefined
    },
    victims: () => [...[...running.keys()], ...(job === undefined ? [] : (["job"] as const)), "server" as const],
    kill: async (victim: Slot | "job" | "server", death: Death, rest: number) => {
      if (victim === "job") job?.kill()
      else if (victim === "server") {
        await server.kill(death)
        await sleep(rest)
        await server.start()
      } else running.get(victim)?.process.kill()
    },
    over: () => void (isOver = true),
    isOver: () => isOver,
    close: async () => {
      isOver = true
      job?.giveUp()
      await Promise.all([...running.values()].map(({ process }) => process.end("SIGKILL", 5_000)))
      await server.stop()
    },
    observed: () =>
      readdirSync(folder)
        .filter((file) => file.startsWith("observed-"))
        .flatMap((file) => read<Observed>(join(folder, file))),
    output: () => (existsSync(output) ? readFileSync(output, "utf8") : "")
  }
}

type Processes = Awaited<ReturnType<typeof processesOf>>

/** Kills at random, as long as the life goes on. Each kill meets processes that have worked since the one before. */
const killing = async (seed: number, most: number, processes: Processes, kills: Array<string>): Promise<void> => {
  const random = randomOf(seed, "kills")
  const deaths: ReadonlyArray<Death> = ["main", "all", "immediate"]
  let start: number | undefined
  for (let i = 0; i < most && !processes.isOver(); i++) {
    await processes.allWork()
    start ??= performance.now()
    await sleep(below(random, 1_500))
    if (processes.isOver()) return
    const chance = random()
    const [victim, death, rest] = [random(), deaths[below(random, deaths.length)]!, below(random, 200)]
    const all = processes.victims()
    const others = all.slice(0, -1)
    const chosen = chance < 0.15 || others.length === 0 ? "server" : others[Math.floor(victim * others.length)]!
    const name = chosen === "server" ? `server ${death}` : chosen === "job" ? "job" : `process ${chosen}`
    kills.push(`${name} at ${Math.round(performance.now() - start)}`)
    await processes.kill(chosen, death, rest)
  }
}

/** The whole life of version 1, and the begin of that of version 2. */
const living = async (plan: Plan, processes: Processes, status: () => Promise<Statuses | undefined>) => {
  const { answers, end, runJob, running, startIn, until } = processes
  const { lease, leftAfter, patience } = plan
  const settings = (version: Version): Settings => ({ version, lease, leftAfter, patience: patience / 3 })
  const roll = async (version: Version) => {
    for (const slot of slots) {
      await end(slot, plan.ending())
      startIn(slot, settings(version))
      for (const each of running.keys()) await answers(each)
    }
  }
  for (const slot of slots) startIn(slot, settings(1))
  for (const slot of slots) await answers(slot)
  await runJob("build", settings(2))
  await roll(2)
  if (plan.isLeft) {
    await until(
      "version 1 is not left",
      async () => (await status())?.every(({ serves, version }) => version === 2 || !serves) === true
    )
  }
  if (plan.servesBefore) await runJob("serve", settings(1))
  await roll(1)
  await roll(2)
  if (plan.dropsItself) {
    await end("A", plan.ending())
    startIn("A", { ...settings(2), keepFor: 1_000 })
    await until("version 1 is kept", async () => (await status())?.every(({ version }) => version === 2) === true)
  } else await runJob("drop", settings(1))
  for (const slot of slots) await answers(slot)
  processes.over()
}

const quietly = Effect.provideService(References.MinimumLogLevel, "Fatal")

type Statuses = ReadonlyArray<ViewStore.Status>

const statusOf = Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)

/** The log and the records of version 2 when it has caught up. If the life has come to its end, nothing of version 1 is left. */
const left = Effect.fnUntraced(function* (isWhole: boolean, { lease, patience }: Plan) {
  const store = yield* EventStore.EventStore
  const log = (yield* Stream.runCollect(store.readAll())).map(noted)
  const problems: Array<string> = []
  const views = viewsOf(2)
  yield* Layer.build(projecting(2, lease))
  yield* Projection.waitUntil(views, log.at(-1)?.position ?? 0, { timeout: patience }).pipe(
    Effect.catch((error) => Effect.sync(() => problems.push(`at the end: ${error.message}`)))
  )
  const last = new Map<Name, Readonly<Record<string, State>>>()
  for (const view of views) {
    const { rows } = yield* Records.query(view, Query.from(view))
    last.set(view.name, Object.fromEntries(rows.map(({ key, state }) => [key, state as State])))
    const { different } = yield* Projection.verify(view)
    if (different > 0) problems.push(`at the end: ${view.name}: verify finds ${different} records that differ`)
    if (!isWhole) continue
    const reading = Records.get(
      viewsOf(1).find(({ name }) => name === view.name)!,
      "all"
    )
    const former = yield* Effect.match(reading, { onFailure: String, onSuccess: () => "answers" })
    if (!former.includes("NotServing"))
      problems.push(`at the end: ${view.name}: version 1 was dropped, and is ${former}`)
  }
  if (!isWhole) return { log, last, problems }
  const isInline = ({ inline, view }: ViewStore.Status) => inline || !inlineNames.includes(view as Name)
  const inline = yield* Effect.repeat(Effect.delay(statusOf, "100 millis"), {
    until: (all) => all.every(isInline),
    times: 300
  })
  for (const { build, inline: is, version, view } of inline) {
    if (version !== 2) problems.push(`at the end: ${view}, version ${version}, build ${build} is still there`)
    if (!is && inlineNames.includes(view as Name)) problems.push(`at the end: appends do not maintain ${view} again`)
  }
  return { log, last, problems }
}, Effect.scoped)

/** Runs the round of a seed in a folder, which is made. The data stay there. */
export const roundsAt =
  (pace: number) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    const problems: Array<string> = []
    const kills: Array<string> = []
    const plan = planOf(seed, pace)
    const processes = await processesOf({ ...plan, seed }, template, folder, problems)
    const scope = await Effect.runPromise(Scope.make())
    try {
      const options = { views: viewsOf(2), leftAfter: plan.leftAfter }
      const context = await Effect.runPromise(Scope.provide(stores(processes.server.url, options), scope))
      const status = () =>
        Effect.runPromise(
          Effect.provideContext(
            Effect.orElseSucceed(statusOf, () => undefined),
            context
          )
        )
      const killer = killing(seed, plan.kills, processes, kills)
      await Promise.all([killer, living(plan, processes, status)]).catch((error: unknown) => {
        problems.push(error instanceof Error ? error.message : String(error))
        processes.over()
      })
      await killer.catch(() => undefined)
      for (const slot of processes.running.keys()) await processes.end(slot, "SIGTERM")
      await Effect.runPromise(Effect.provideContext(quietly(settleOpen(folder, seed, 30, plan.patience / 3)), context))
      const {
        last,
        log,
        problems: found
      } = await Effect.runPromise(Effect.provideContext(quietly(patiently(left(problems.length === 0, plan))), context))
      const lines = linesOfClients(folder)
      const commands = checkCommands({ lines, log, followed: new Map(), records: new Map() })
      const views = check({ log, lines, observed: processes.observed(), leftAfter: plan.leftAfter, last })
      problems.push(...found, ...commands.problems, ...views.problems)
      const errors = processes.output().match(/^.*(has stopped|\bERROR\b).*$/gm) ?? []
      problems.push(...errors.slice(0, 5).map((line) => `logged: ${line}`))
      const { events, receipts } = commands.figures
      const seconds = Math.round((performance.now() - begun) / 100) / 10
      return { seed, seconds, kills, figures: { receipts, events, ...views.figures }, problems }
    } finally {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await processes.close()
    }
  }

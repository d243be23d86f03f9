import { EventStore } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { read } from "../kills/lines.ts"
import { stores } from "../kills/open.ts"
import type { Verdict } from "../rounds/command.ts"
import { freePort } from "../rounds/freePort.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Kept, keep } from "../rounds/processes.ts"
import { below, type Random, randomOf } from "../rounds/random.ts"
import { type Death, startServer } from "../rounds/server.ts"
import { until } from "../rounds/until.ts"
import { Tallies } from "./bank.ts"
import { check, type ClientLine, type FeedLine, kinds, type LogLine, type ResultLine } from "./check.ts"
import type { Counts } from "./counting.ts"

const deaths: ReadonlyArray<Death> = ["main", "all", "immediate"]
const apps = ["A", "B"]
const watchers = 20
const clients = ["one", "two", "three"]

/** What is killed, and what ends in good order. The log's server and each way of an app are met at least once. */
const planned = (random: Random, most: number) => {
  const app = () => apps[below(random, 2)]!
  const ways = [
    () => `app ${app()}`,
    () => `ending ${app()}`,
    () => `server ${deaths[below(random, deaths.length)]!}`,
    () => `client ${clients[below(random, clients.length)]!}`,
    () => "reader"
  ]
  const chosen = [...ways.slice(0, 3), ...Array.from({ length: below(random, most) }, () => ways[below(random, 5)]!)]
  return chosen
    .map((way) => ({ victim: way(), place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ victim }) => ({ victim, pause: 300 + below(random, 1_500), rest: below(random, 800) }))
}

/** Makes a folder with an empty store, which rounds copy. */
export const prepare = async (folder: string): Promise<void> => {
  const server = await startServer(folder)
  await Effect.runPromise(Effect.scoped(stores(server.url, { views: [Tallies] })))
  await server.stop()
}

const logOf = (url: string): Promise<ReadonlyArray<LogLine>> =>
  Effect.gen(function* () {
    const context = yield* stores(url, { views: [Tallies] })
    const reading = Effect.flatMap(EventStore.EventStore, ({ readAll }) => Stream.runCollect(readAll()))
    const events = yield* patiently(Effect.provideContext(reading, context))
    return events.map(({ data, position, streamId }) => ({
      position,
      stream: streamId,
      ...(data as { readonly n: number; readonly token: string })
    }))
  }).pipe(Effect.scoped, Effect.runPromise)

/** Runs the rounds of seeds: for how many seconds there is load, and how many kills there are beyond one of each kind. */
export const roundOf =
  ({ most, seconds }: { readonly most: number; readonly seconds: number }) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    mkdirSync(folder, { recursive: true })
    execFileSync("cp", ["-a", template, join(folder, "data")])
    const server = await startServer(join(folder, "data"))
    const ports = new Map(await Promise.all(apps.map(async (name) => [name, await freePort()] as const)))
    const origins = apps.map((name) => `http://127.0.0.1:${ports.get(name)}`)
    const problems: Array<string> = []
    const kills: Array<string> = []
    const kept = new Map<string, Kept>()
    const endings = new Map<string, () => void>()
    const add = (name: string, program: string, args: ReadonlyArray<string>, mayEnd = false) => {
      const onExit = (code: number | null) => {
        endings.get(name)?.()
        if (!mayEnd || code !== 0) problems.push(`ended: ${name} ended by itself with exit code ${code}`)
      }
      const output = join(folder, `output-${name.replace(" ", "-")}.txt`)
      kept.set(
        name,
        keep(new URL(program, import.meta.url), args, output, onExit, () => 100)
      )
    }
    const addApp = (name: string) => add(`app ${name}`, "app.ts", [server.url, String(ports.get(name))], true)
    const linesOf = () => clients.flatMap((name) => read<ClientLine>(join(folder, `client-${name}.jsonl`)))
    const feed = () => read<FeedLine>(join(folder, "feed.jsonl"))
    const countsOf = async (name: string): Promise<Counts | undefined> => {
      try {
        const headers = { connection: "close" }
        const response = await fetch(`http://127.0.0.1:${ports.get(name)}/counts`, { headers })
        return (await response.json()) as Counts
      } catch {
        return undefined
      }
    }
    /** Ends an app in good order. It must end by itself, although streams are open. */
    const endApp = async (name: string) => {
      // A process that is only starting has not said yet how it wants to end.
      await until(30, async () => (await countsOf(name)) !== undefined)
      const pid = kept.get(`app ${name}`)!.pid()
      if (pid === undefined) return
      const ended = new Promise<void>((resolve) => endings.set(`app ${name}`, resolve))
      const start = performance.now()
      try {
        process.kill(pid, "SIGTERM")
      } catch {
        return
      }
      const inTime = await Promise.race([ended.then(() => true), sleep(20_000, false)])
      if (!inTime) problems.push(`stuck: app ${name} did not end within 20 s of SIGTERM`)
      slowest = Math.max(slowest, performance.now() - start)
    }
    let slowest = 0
    try {
      for (const name of apps) addApp(name)
      for (const name of apps) {
        if (!(await until(30, async () => (await countsOf(name)) !== undefined))) problems.push(`stuck: app ${name}`)
      }
      for (const name of clients) add(`client ${name}`, "client.ts", [origins.join(), folder, name, String(seed)], true)
      add("reader", "reader.ts", [origins.join(), folder])
      add("watcher", "watcher.ts", [origins.join(), folder, String(watchers)])
      const start = performance.now()
      const plan = planned(randomOf(seed, "kills"), most)
      for (;;) {
        for (const { pause, rest, victim } of plan) {
          const before = linesOf().length
          // Each kill meets work.
          if (!(await until(60, () => linesOf().length >= before + 10))) problems.push(`stuck before ${victim}`)
          await sleep(pause)
          kills.push(`${victim} at ${Math.round(performance.now() - start)}`)
          const [kind, name] = victim.split(" ") as [string, string]
          if (kind === "server") {
            await server.kill(name as Death)
            await sleep(rest)
            await server.start()
          } else if (kind === "ending") await endApp(name)
          else kept.get(victim)!.kill()
        }
        if (performance.now() - start >= seconds * 1_000 || problems.length > 0) break
      }
      writeFileSync(join(folder, "enough"), "")
      const isSettled = () => {
        const lines = linesOf()
        const answered = new Set(lines.flatMap((line) => (line._tag === "Sent" ? [] : [line.token])))
        return lines.every(({ token }) => answered.has(token))
      }
      if (!(await until(60, isSettled))) problems.push("stuck: a command has no answer after a minute without kills")
      const log = await logOf(server.url)
      if (!(await until(60, () => feed().length >= log.length))) problems.push("stuck: the feed does not end")
      const last = (i: number) => read<ResultLine>(join(folder, `results-${i}.jsonl`)).at(-1)
      const results = () => Array.from({ length: watchers }, (_, i) => last(i))
      const tallies = Object.fromEntries(log.map(({ n, stream }) => [stream.slice("Tally-".length), n]))
      const isShown = () =>
        results().every((result) => Object.entries(tallies).every(([id, n]) => result?.tallies[id] === n))
      await until(60, isShown)
      // Nobody asks any more. The process that has served and projects alone is held against one that begins anew.
      for (const name of ["reader", "watcher", ...clients.map((each) => `client ${each}`)]) {
        await kept.get(name)!.end("SIGKILL", 5_000)
      }
      await kept.get("app B")!.end("SIGTERM", 20_000)
      let after = await countsOf("A")
      await until(5, async () => {
        const now = await countsOf("A")
        if (now !== undefined && (after === undefined || now.fibers < after.fibers)) after = now
        return false
      })
      await endApp("A")
      let counts: { after: Counts; fresh: Counts } | undefined
      await until(30, async () => {
        const fresh = await countsOf("A")
        if (after !== undefined && fresh !== undefined) counts = { after, fresh }
        return kinds.every((kind) => counts !== undefined && counts.after[kind] <= counts.fresh[kind])
      })
      if (counts === undefined) problems.push("stuck: the apps do not count")
      else problems.push(...check({ clients: linesOf(), log, feed: feed(), results: results(), counts }))
      problems.push(...loggedIn(folder).map((text) => `logged: ${text}`))
      const lines = linesOf()
      const count = (tag: ClientLine["_tag"]) => lines.filter(({ _tag }) => _tag === tag).length
      const figures = {
        events: log.length,
        receipts: count("Receipt"),
        refused: count("Refused"),
        results: results().length,
        "milliseconds of the slowest end": Math.round(slowest)
      }
      return { seed, seconds: Math.round((performance.now() - begun) / 100) / 10, kills, figures, problems }
    } finally {
      await Promise.all([...kept.values()].map((each) => each.end("SIGKILL", 5_000)))
      await server.stop()
    }
  }

/** What no kill explains: an answer that the front had to call internal, and what has thrown. */
const loggedIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((name) => name.startsWith("output-app"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => /Unhandled|TypeError|UnknownCommandVersion|RecordDecodeError/.test(line))
    .slice(0, 5)

import { Effect, Exit, References, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { stores } from "../kills/open.ts"
import { optionOf, type Verdict } from "../rounds/command.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Kept, keep } from "../rounds/processes.ts"
import { below, randomOf } from "../rounds/random.ts"
import { collecting } from "../rounds/report.ts"
import { startServer } from "../rounds/server.ts"
import { checkCommands, checkEnd } from "./check.ts"
import { fileOf, type Line } from "./lines.ts"
import { type Name, programs } from "./programs.ts"

export { prepare } from "../kills/round.ts"

const slots = ["A", "B", "C"] as const
type Slot = (typeof slots)[number]

/** Whether the application goes from the first to the last program in one deployment. */
export const atOnceOf = (): boolean => optionOf("at-once") === "yes"

const linesOf = (folder: string): ReadonlyArray<Line> =>
  readdirSync(folder)
    .filter((file) => file.startsWith("lines-"))
    .flatMap((file) => linesIn(join(folder, file)))

// The last line of a process that was killed may be cut off.
const linesIn = (path: string): ReadonlyArray<Line> =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
    : []

/** Repeats the commands that no process could end, by the last program. */
const settleOpen = (lines: ReadonlyArray<Line>) => {
  const done = new Set(lines.flatMap((line) => (line._tag === "Done" ? [line.commandId] : [])))
  const open = lines.flatMap((line) => (line._tag === "Sent" && !done.has(line.commandId) ? [line] : []))
  return Effect.forEach(open, ({ command, commandId, till }) =>
    Effect.map(programs.second.execute(till, command, commandId), (version): Line => ({
      _tag: "Done",
      program: "second",
      commandId,
      version
    }))
  )
}

/** Runs the round of a seed in a folder, which is made. The data stay there. */
export const roundsAt =
  (pace: number, atOnce: boolean) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    const { collected, report } = collecting()
    const random = randomOf(seed, "upgrades")
    const [lease, patience] = [2_000 * pace, 60_000 * pace]
    mkdirSync(folder, { recursive: true })
    execFileSync("cp", ["-a", template, join(folder, "data")])
    const server = await startServer(join(folder, "data"))
    const output = join(folder, "output.txt")
    const running = new Map<Slot, { readonly process: Kept; readonly name: string; readonly program: Name }>()
    const kills: Array<string> = []
    const scope = await Effect.runPromise(Scope.make())
    let started = 0

    const count = (name: string, tag: Line["_tag"]) =>
      linesIn(join(folder, fileOf(name))).filter(({ _tag }) => _tag === tag).length
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      const end = performance.now() + patience
      while (!holds()) {
        if (performance.now() > end) throw new Error(`stuck: ${what}`)
        await sleep(50)
      }
    }
    const works = (slot: Slot, tag: Line["_tag"] = "Done") => {
      const { name, program } = running.get(slot)!
      const before = count(name, tag)
      return until(`process ${slot} of ${program}: ${tag}`, () => count(name, tag) >= before + 10)
    }
    const begin = (slot: Slot, program: Name) => {
      const name = `${slot}${++started}`
      const args = [server.url, folder, name, program, String(lease)]
      const onExit = (code: number | null) =>
        report(`ended: process ${slot} of ${program} ended by itself with ${code}`)
      running.set(slot, { process: keep(new URL("./worker.ts", import.meta.url), args, output, onExit), name, program })
    }
    const replace = async (slot: Slot, program: Name) => {
      const { process } = running.get(slot)!
      const signal = random() < 0.5 ? "SIGTERM" : "SIGKILL"
      if (!(await process.end(signal, patience))) report(`stuck: process ${slot} does not end`)
      begin(slot, program)
    }
    /** Replaces the processes one by one. Between two replacements all work, and one of them is killed. */
    const deploy = async (program: Name) => {
      for (const slot of slots) {
        await replace(slot, program)
        await works(slot)
        for (const other of slots) {
          const standsStill = atOnce && running.get(other)!.program === "before"
          await works(other, standsStill ? "Stuck" : "Done")
        }
        const victim = slots[below(random, slots.length)]!
        kills.push(`worker ${victim}, a process of ${running.get(victim)!.program}`)
        running.get(victim)!.process.kill()
      }
      for (const slot of slots) await works(slot)
    }

    try {
      for (const slot of slots) begin(slot, "before")
      for (const slot of slots) await works(slot)
      if (!atOnce) await deploy("first")
      await deploy("second")
      for (const { process } of running.values()) await process.end("SIGTERM", patience)
      const lines = linesOf(folder)
      const context = await Effect.runPromise(Scope.provide(stores(server.url, { views: viewsOf("second") }), scope))
      const ending = Effect.gen(function* () {
        const settled = yield* settleOpen(lines)
        return { settled, ...(yield* checkEnd(lease, patience)) }
      })
      const quietly = Effect.provideService(References.MinimumLogLevel, "Fatal")
      const { log, problems, settled } = await Effect.runPromise(
        Effect.provideContext(quietly(patiently(ending)), context)
      )
      for (const problem of [...checkCommands([...lines, ...settled], log), ...problems]) report(problem)
      const stuck = lines.flatMap((line) => (line._tag === "Stuck" ? [line] : []))
      for (const { program, schemaVersion, type } of stuck) {
        if (!atOnce || program !== "before")
          report(`stuck: ${program} does not know ${type} of version ${schemaVersion}`)
      }
      const errors = readFileSync(output, "utf8").match(/^.*\bERROR\b.*$/gm) ?? []
      for (const line of errors) report(`logged: ${line}`)
      const commands = lines.filter(({ _tag }) => _tag === "Done").length
      const figures = {
        commands,
        events: log.length,
        "stood still": stuck.length,
        "settled at the end": settled.length
      }
      return { seed, seconds: secondsSince(begun), kills, figures, problems: collected() }
    } catch (error) {
      report(error instanceof Error ? error.message : String(error))
      return { seed, seconds: secondsSince(begun), kills, figures: {}, problems: collected() }
    } finally {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await Promise.all([...running.values()].map(({ process }) => process.end("SIGKILL", 5_000)))
      await server.stop()
    }
  }

const viewsOf = (name: Name) => Object.values(programs[name].views)

const secondsSince = (begun: number) => Math.round((performance.now() - begun) / 100) / 10

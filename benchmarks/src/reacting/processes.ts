/** The processes of a round: a few workers, each of a version. */
import { existsSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { type Kept, keep } from "../rounds/processes.ts"
import { below, randomOf } from "../rounds/random.ts"
import type { Plan, Settings } from "./settings.ts"

type Version = Settings["version"]

interface Given {
  readonly seed: number
  readonly plan: Plan
  readonly args: readonly [url: string, outside: string]
  readonly output: string
  readonly problems: Array<string>
}

const names = ["A", "B", "C"] as const

/** Sends a signal to a process that may be gone. */
const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** Starts the workers. */
export const startWorkers = ({ args, output, plan, problems, seed }: Given) => {
  const program = new URL("./worker.ts", import.meta.url)
  const resting = randomOf(seed, "rests")
  const random = randomOf(seed, "victims")
  const own = names.slice(0, plan.workers)
  const running = new Map<string, { readonly process: Kept; readonly version: Version }>()
  const kills: Array<string> = []
  const begun = performance.now()
  const note = (what: string) => kills.push(`${what} at ${Math.round(performance.now() - begun)}`)

  const start = (name: string, version: Version) => {
    const settings: Settings = { ...plan.settings, version }
    const onExit = (code: number | null) =>
      problems.push(`ended: worker ${name} ended by itself with exit code ${code}`)
    const rest = () => below(resting, 400)
    running.set(name, {
      process: keep(program, [...args, JSON.stringify(settings)], output, onExit, rest),
      version
    })
  }
  const end = async (name: string, signal: NodeJS.Signals) => {
    const { process } = running.get(name)!
    if (!(await process.end(signal, 60_000))) problems.push(`stuck: worker ${name} does not end`)
  }
  const roll = async (version: Version, count: number) => {
    const rolling = randomOf(seed, `roll ${version}`)
    for (const name of own.slice(0, count)) {
      const signal = rolling() < 0.5 ? "SIGTERM" : "SIGKILL"
      note(`worker ${name} by ${signal}, for version ${version}`)
      await end(name, signal)
      start(name, version)
      await works(name)
      await sleep(below(rolling, 500))
    }
  }
  /** Waits until a worker runs, so that a kill meets it at work. */
  const works = async (name: string) => {
    const limit = performance.now() + plan.patience
    while (performance.now() < limit) {
      const pid = running.get(name)!.process.pid()
      if (pid !== undefined && existsSync(output) && readFileSync(output, "utf8").includes(`${pid} runs`)) return
      await sleep(50)
    }
    problems.push(`stuck: worker ${name} does not run`)
  }
  for (const name of own) start(name, 1)

  return {
    note,
    kills,
    /** Resolves when the first worker runs. */
    ready: works(own[0]!),
    /** Kills workers at random moments. Some stand still for longer than their lease instead, and then go on. */
    killing: async () => {
      for (let i = 0; i < plan.kills; i++) {
        const name = own[below(random, own.length)]!
        const [pause, isKilled] = [below(random, 2_500), random() < 0.8]
        await works(name)
        await sleep(pause)
        const { process: worker } = running.get(name)!
        const pid = worker.pid()
        if (isKilled || pid === undefined) {
          note(`worker ${name}`)
          worker.kill()
          continue
        }
        const still = Math.round(plan.settings.lease * (0.5 + random()))
        note(`worker ${name} for ${still} ms`)
        signal(pid, "SIGSTOP")
        await sleep(still)
        signal(pid, "SIGCONT")
      }
    },
    /** Rolls the higher version out, as the plan says. */
    deploying: async () => {
      if (plan.deployment === "none") return
      await works(own[0]!)
      await sleep(below(random, 3_000))
      await roll(2, plan.deployment === "some" ? 1 : own.length)
      if (plan.deployment !== "up and down") return
      await sleep(below(random, 2_000))
      await roll(1, own.length)
    },
    /** The highest version that runs. */
    version: (): Version => ([...running.values()].some(({ version }) => version === 2) ? 2 : 1),
    stop: (signal: NodeJS.Signals) => Promise.all([...running.keys()].map((name) => end(name, signal)))
  }
}

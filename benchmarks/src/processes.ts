import { PgEventStore } from "@hexfold/adapters-pg"
import { Executor } from "@hexfold/core"
import { Effect, ManagedRuntime, Redacted } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { percentile, type Report } from "./measure.ts"

const [processes, callers, count, rounds] = [4, 16, 2_000, 5]
const increment = new Increment({ by: 1 })

/** What a process has seen of one round. */
interface Seen {
  readonly millis: ReadonlyArray<number>
  readonly attempts: number
}

const answerOf = async (child: ChildProcess): Promise<unknown> => {
  const answered = once(child, "message") as Promise<ReadonlyArray<unknown>>
  const [answer] = await Promise.race([
    answered,
    once(child, "exit").then(() => Promise.reject(new Error("a process of the benchmark has ended")))
  ])
  return answer
}

/** Commands of several processes on one stream, with the default policy: a command that gives up ends the benchmark. */
export const severalProcesses = async (url: string): Promise<Report> => {
  const children = Array.from({ length: processes }, () =>
    fork(import.meta.filename, [url], { execArgv: process.execArgv })
  )
  await Promise.all(children.map(answerOf))
  const rates: Array<number> = []
  const millis: Array<number> = []
  let attempts = 0
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    const answers = children.map(answerOf)
    for (const child of children) child.send(`shared-${round}`)
    const seen = (await Promise.all(answers)) as ReadonlyArray<Seen>
    const seconds = (performance.now() - start) / 1_000
    // The first round warms the processes up.
    if (round === 0) continue
    rates.push((processes * count) / seconds)
    for (const each of seen) {
      millis.push(...each.millis)
      attempts += each.attempts
    }
  }
  for (const child of children) child.kill()
  const median = rates.toSorted((a, b) => a - b)[rounds >> 1]!
  return {
    title: `Postgres: one hot stream, ${processes} processes of ${callers} callers`,
    measured: [{ name: "Hexfold, without a state cache", rates, median }],
    bars: [
      { claim: "all processes together, commands/s", figure: median, atLeast: 4_000 },
      { claim: "p99, ms", figure: percentile(millis, 0.99), atMost: 250 },
      { claim: "attempts per command", figure: attempts / millis.length }
    ]
  }
}

/** A process of the benchmark: it runs a round for each message. */
const work = async (url: string): Promise<void> => {
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema: "transfers" }))
  await runtime.runPromise(Executor.execute(Counter, `process-${process.pid}`, increment))
  process.on("message", (stream: string) => {
    const millis: Array<number> = []
    let attempts = 0
    const one = Effect.suspend(() => {
      const start = performance.now()
      return Effect.map(Executor.execute(Counter, stream, increment), (receipt) => {
        millis.push(performance.now() - start)
        attempts += receipt.attempts
      })
    })
    void runtime.runPromise(fibers(callers, count, () => one)).then(() => process.send!({ millis, attempts }))
  })
  process.send!("ready")
}

if (process.send !== undefined && process.argv[2] !== undefined && process.argv[1] === import.meta.filename) {
  await work(process.argv[2])
}

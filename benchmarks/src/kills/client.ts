/**
 * A process that executes commands until it is told to stop with SIGTERM, and writes them and their answers down. When it
 * starts it executes again, under their ids, the commands for which no client has an answer.
 *   node client.ts URL FOLDER NAME SEED WORKERS cache|plain
 */
import { Effect } from "effect"
import { join } from "node:path"
import { settle } from "./executing.ts"
import { clientFile, type Command, commandsOf, type Line, linesOfClients, read } from "./lines.ts"
import { stores } from "./open.ts"
import { below, type Random, randomOf } from "./random.ts"

const [url, folder, name, seed, workers, cache] = process.argv.slice(2) as [
  ...[string, string, string, string, string, string]
]
const file = join(folder, clientFile(name))
const accounts = 12

let isStopping = false
process.on("SIGTERM", () => (isStopping = true))

const before = linesOfClients(folder)
const known = commandsOf(before)

/** How many commands of a kind this client had sent before it was killed. */
const sentBefore = (prefix: string): number =>
  Math.max(
    0,
    ...read<Line>(file).flatMap((line) =>
      line._tag === "Sent" && line.command.token.startsWith(`${prefix}-`)
        ? [Number(line.command.token.slice(prefix.length + 1)) + 1]
        : []
    )
  )

/** The command of a token is the same in every process, and in every round of the seed. */
const commandOf = (token: string, hasId: boolean): Command => {
  const random = randomOf(Number(seed), token)
  const from = below(random, accounts)
  const amount = 1 + below(random, 40)
  const kind = (["deposit", "withdraw", "transfer", "transfer"] as const)[below(random, 4)]!
  const common = { kind, token, hasId, from: `a${from}`, amount }
  if (kind !== "transfer") return common
  return { ...common, to: `a${(from + 1 + below(random, accounts - 1)) % accounts}` }
}

const counters = new Map(["shared", name, `${name}.plain`].map((prefix) => [prefix, sentBefore(prefix)]))
const next = (prefix: string, hasId: boolean): Command => {
  const number = counters.get(prefix)!
  counters.set(prefix, number + 1)
  return commandOf(`${prefix}-${number}`, hasId)
}

const draw = (random: Random): Command => {
  const dice = random()
  const open = known.open.pop()
  if (open !== undefined) return open
  if (dice < 0.1 && known.settled.length > 0) return known.settled[below(random, known.settled.length)]!
  // All clients send the shared commands, each in its own time.
  if (dice < 0.4) return next("shared", true)
  return dice < 0.7 ? next(name, true) : next(`${name}.plain`, false)
}

const worker = (number: number) =>
  Effect.gen(function* () {
    const random = randomOf(Number(seed), `${name} ${number} ${before.length}`)
    while (!isStopping) {
      yield* settle(file, draw(random))
      yield* Effect.sleep(below(random, 8))
    }
  })

const program = Effect.gen(function* () {
  const context = yield* stores(url, { hasCache: cache === "cache" })
  const numbers = Array.from({ length: Number(workers) }, (_, i) => i)
  yield* Effect.forEach(numbers, worker, { concurrency: "unbounded", discard: true }).pipe(
    Effect.provideContext(context)
  )
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)

import { join } from "node:path"
import { below, type Random, randomOf } from "../rounds/random.ts"
import { clientFile, type Command, commandsOf, type Line, linesOfClients, read } from "./lines.ts"

/** The accounts of a round. */
export const accounts: ReadonlyArray<string> = Array.from({ length: 12 }, (_, i) => `a${i}`)

/**
 * What a client executes, by the seed. When it starts it executes again, under their ids, the commands for which no client
 * has an answer.
 */
export const commandsFor = ({
  folder,
  name,
  seed
}: {
  readonly folder: string
  readonly name: string
  readonly seed: number
}) => {
  const file = join(folder, clientFile(name))
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
    const random = randomOf(seed, token)
    const from = below(random, accounts.length)
    const amount = 1 + below(random, 40)
    const kind = (["deposit", "withdraw", "transfer", "transfer"] as const)[below(random, 4)]!
    const common = { kind, token, hasId, from: accounts[from]!, amount }
    if (kind !== "transfer") return common
    return { ...common, to: accounts[(from + 1 + below(random, accounts.length - 1)) % accounts.length]! }
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

  return {
    file,
    draw,
    /** The chance of one of several workers. It is another one after each start. */
    randomFor: (worker: number): Random => randomOf(seed, `${name} ${worker} ${before.length}`)
  }
}

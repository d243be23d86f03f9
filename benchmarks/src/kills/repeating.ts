import type { EventStore } from "@hexfold/core"
import { Effect } from "effect"
import { join } from "node:path"
import { below, randomOf } from "../rounds/random.ts"
import { settle } from "./executing.ts"
import { clientFile, commandsOf, linesOfClients } from "./lines.ts"

/** Executes what has no answer, and so many commands that have one, in this process. */
export const settleOpen = (
  folder: string,
  seed: number,
  again: number,
  patience?: number
): Effect.Effect<void, never, EventStore.EventStore> => {
  const { open, settled } = commandsOf(linesOfClients(folder))
  const random = randomOf(seed, "again")
  const chosen =
    settled.length === 0 ? [] : Array.from({ length: again }, () => settled[below(random, settled.length)]!)
  const file = join(folder, clientFile("again"))
  return Effect.forEach([...open, ...chosen], (command) => settle(file, command, patience), {
    concurrency: 16,
    discard: true
  })
}

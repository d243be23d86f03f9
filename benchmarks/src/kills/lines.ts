/** What the processes of a round write down: a file of JSON lines each. */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A command that a client executes. A command with an id can be executed again, by any client. */
export interface Command {
  readonly kind: "deposit" | "withdraw" | "transfer"
  /** Unique to the command; its id too, if it has one. */
  readonly token: string
  readonly hasId: boolean
  readonly from: string
  /** Only of a transfer. */
  readonly to?: string
  readonly amount: number
}

/** An event as a receipt or the log has it. */
export interface Event {
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly id: string
  readonly type: string
  readonly amount: number
  readonly token: string
}

/** Times are nanoseconds of the machine's clock since it was started, which all processes share. */
interface Answer {
  readonly token: string
  readonly sentAt: number
  readonly at: number
}

/** A line of a client. */
export type Line =
  | { readonly _tag: "Sent"; readonly command: Command; readonly at: number }
  | (Answer & { readonly _tag: "Receipt"; readonly isRepeated: boolean; readonly events: ReadonlyArray<Event> })
  /** The domain has rejected it, or it has lost too many races: nothing was recorded for it. */
  | (Answer & { readonly _tag: "Refused"; readonly error: string })
  /** Nobody knows whether it has happened. */
  | (Answer & { readonly _tag: "Open"; readonly error: string })
  /** An error that no kill explains. */
  | (Answer & { readonly _tag: "Unexpected"; readonly error: string })

/** The moment now. */
export const now = (): number => Number(process.hrtime.bigint())

/** Adds a line to a file. The line is in the file when this returns, whatever happens to the process. */
export const write = (file: string, line: object): void => appendFileSync(file, `${JSON.stringify(line)}\n`)

/** The lines of a file. A line that was cut off while it was written is left out. */
export const read = <A>(file: string): Array<A> => {
  if (!existsSync(file)) return []
  const text = readFileSync(file, "utf8")
  const isWhole = (line: string) => line.startsWith("{") && line.endsWith("}")
  return text
    .split("\n")
    .filter(isWhole)
    .map((line) => JSON.parse(line) as A)
}

/** The name of a client's file. */
export const clientFile = (name: string): string => `client-${name}.jsonl`

/** The lines of all clients. */
export const linesOfClients = (folder: string): ReadonlyArray<Line> =>
  readdirSync(folder)
    .filter((name) => name.startsWith("client-"))
    .sort()
    .flatMap((name) => read<Line>(join(folder, name)))

/** The commands with ids of some clients: those with an answer that settles them, and those without. */
export const commandsOf = (lines: ReadonlyArray<Line>) => {
  const settled = new Map<string, Command>()
  const open = new Map<string, Command>()
  for (const line of lines) {
    if (line._tag === "Sent" && line.command.hasId && !settled.has(line.command.token)) {
      open.set(line.command.token, line.command)
    }
    if (line._tag === "Receipt" || line._tag === "Refused") {
      const command = open.get(line.token)
      if (command !== undefined) settled.set(line.token, command)
      open.delete(line.token)
    }
  }
  return { settled: [...settled.values()], open: [...open.values()] }
}

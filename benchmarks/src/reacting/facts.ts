/** What a round has left behind. */
import type { Outside } from "./outside.ts"
import type { Script } from "./script.ts"

/** An event of the log, as it is stored. */
export interface Fact {
  readonly stream: string
  readonly type: string
  readonly position: number
  /** What has caused it: the id of an event or of a command. */
  readonly cause: string
  readonly data: { readonly [field: string]: unknown }
}

/** What is left of a process manager or a reactor. */
export interface LeftOf {
  readonly name: string
  /** How many events it has not handled. */
  readonly lag: number
  readonly deadLetters: number
  readonly unownedParts: number
}

export interface Remains {
  readonly script: Script
  readonly log: ReadonlyArray<Fact>
  readonly outside: Outside
  readonly reactions: ReadonlyArray<LeftOf>
  /** How many timers wait. */
  readonly waiting: number
}

/** Finds events by stream and type. */
export const index = (log: ReadonlyArray<Fact>) => {
  const streams = Map.groupBy(log, ({ stream }) => stream)
  const of = (stream: string): ReadonlyArray<Fact> => streams.get(stream) ?? []
  /** The position of the timeout of a process, if it has come. */
  const timeoutOf = (process: string, key: string, name: string): number | undefined => {
    const fired = log.find(({ data, type }) => {
      const purpose = data["for"] as Readonly<Record<string, string>> | undefined
      return (
        type === "TimerFired" && purpose?.["process"] === process && purpose["key"] === key && purpose["name"] === name
      )
    })
    return fired?.position
  }
  return {
    of,
    events: (stream: string, type: string) => of(stream).filter((fact) => fact.type === type),
    timeoutOf
  }
}

export type Index = ReturnType<typeof index>

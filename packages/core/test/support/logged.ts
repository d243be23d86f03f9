/** Collects what a program logs. */
import { Effect, Logger } from "effect"

/** A collector of log lines: the level and the text of each. */
export const collecting = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push(`${logLevel} ${[message].flat().join(" ")}`)
  })
  return { lines, into: Effect.provideService(Logger.CurrentLoggers, new Set([logger])) }
}

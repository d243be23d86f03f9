/** Writes the lines of an exported log. Pure, with a state. */
import type { UsedCommand } from "../../ports/LogTransfer.ts"
import * as Chain from "./chain.ts"
import { commandText, type End, endText, type Event, eventText, type Header, headerText } from "./lines.ts"

/** Writes one file, line after line. */
export interface Writer {
  readonly header: (header: Header) => string
  readonly events: (events: ReadonlyArray<Event>) => string
  readonly commands: (commands: ReadonlyArray<UsedCommand>) => string
  readonly end: () => string
  /** What was written so far. */
  readonly counts: () => End
}

/** A writer of a file from its beginning on. */
export const make = (): Writer => {
  const { link } = Chain.make()
  let events = 0
  let commands = 0
  return {
    header: (header) => link(headerText(header)),
    events: (all) => {
      events += all.length
      return all.map((event) => link(eventText(event))).join("")
    },
    commands: (all) => {
      commands += all.length
      return all.map((command) => link(commandText(command))).join("")
    },
    end: () => link(endText({ events, commands })),
    counts: () => ({ events, commands })
  }
}

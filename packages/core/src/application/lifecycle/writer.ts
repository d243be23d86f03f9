/** Writes the lines of an exported log. Pure, with a state. */
import type { UsedCommand } from "../../ports/LogTransfer.ts"
import { link } from "./chain.ts"
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
  let hash = ""
  let events = 0
  let commands = 0
  const linked = (text: string): string => {
    const link_ = link(hash, text)
    hash = link_.hash
    return link_.line
  }
  return {
    header: (header) => linked(headerText(header)),
    events: (all) => {
      events += all.length
      return all.map((event) => linked(eventText(event))).join("")
    },
    commands: (all) => {
      commands += all.length
      return all.map((command) => linked(commandText(command))).join("")
    },
    end: () => linked(endText({ events, commands })),
    counts: () => ({ events, commands })
  }
}

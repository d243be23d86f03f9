/** Writes the lines of an exported log. Pure, with a state. */
import type { UsedCommand } from "../../ports/LogTransfer.ts"
import * as Chain from "./chain.ts"
import { commandText, endText, type Event, eventText, type Header, headerText } from "./lines.ts"

/** Writes one file, line after line. */
export interface Writer {
  readonly header: (header: Header) => string
  /** In pieces of whole lines. */
  readonly events: (events: ReadonlyArray<Event>) => ReadonlyArray<string>
  readonly commands: (commands: ReadonlyArray<UsedCommand>) => ReadonlyArray<string>
  readonly end: () => string
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
      return piecesOf(all, (event) => link(eventText(event)))
    },
    commands: (all) => {
      commands += all.length
      return piecesOf(all, (command) => link(commandText(command)))
    },
    end: () => link(endText({ events, commands }))
  }
}

/**
 * From so many UTF-16 units on a piece ends. Longer strings have a place of their own in memory, which is freed so
 * seldom that an export would take twice the memory.
 */
const longestPiece = 32_000

const piecesOf = <A>(all: ReadonlyArray<A>, lineOf: (each: A) => string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let piece = ""
  for (const each of all) {
    piece += lineOf(each)
    if (piece.length < longestPiece) continue
    pieces.push(piece)
    piece = ""
  }
  if (piece !== "") pieces.push(piece)
  return pieces
}

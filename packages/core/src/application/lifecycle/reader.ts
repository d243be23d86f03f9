/** Reads the lines of an exported log out of chunks, and checks that it is as it was written. Pure, with a state. */
import * as Result from "effect/Result"
import * as Chain from "./chain.ts"
import { InvalidLogFile } from "./errors.ts"
import { type Content, contentOf } from "./lines.ts"

/** What a line says, and where it stands. */
export type Entry = Content & {
  /** The number of the line, from 1 on. */
  readonly line: number
  /** The UTF-16 units of the line. */
  readonly size: number
  /** The hash of the line. */
  readonly hash: string
}

/** Reads one file. */
export interface Reader {
  /** The entries of the lines that end in a chunk. */
  readonly read: (chunk: Uint8Array | string) => Result.Result<ReadonlyArray<Entry>, InvalidLogFile>
  /** What is wrong with a file that ends here, if anything is. */
  readonly end: () => InvalidLogFile | undefined
}

/** The most UTF-16 units of a line. An event of the largest size takes less, however its texts are escaped. */
const longestLine = 64 << 20

/** A reader of a file from its beginning on. It holds one line at most. */
export const make = (): Reader => {
  const { unlink } = Chain.make()
  const decoder = new TextDecoder("utf-8", { fatal: true })
  // The parts of a line that has not ended yet.
  let parts: Array<string> = []
  let length = 0
  let line = 0
  let position = -1
  const counts = { events: 0, commands: 0 }
  let last: Content["_tag"] | undefined

  const invalid = (detail: string, cause?: unknown) =>
    new InvalidLogFile({ line, detail, ...(cause === undefined ? undefined : { cause }) })

  const problemOf = (content: Content): string | undefined => {
    if ((content._tag === "Header") !== (last === undefined)) {
      return last === undefined ? "the first line is not that of a log" : "a log begins anew"
    }
    if (last === "End") return "a line comes after the end"
    switch (content._tag) {
      case "Event": {
        const { event } = content
        if (last === "Command") return "an event comes after the commands"
        if (event.position <= position) return `position ${event.position} does not come after ${position}`
        position = event.position
        counts.events++
        return undefined
      }
      case "Command":
        counts.commands++
        return undefined
      case "End": {
        const { commands, events } = content.end
        return events === counts.events && commands === counts.commands
          ? undefined
          : `${events} events and ${commands} commands are announced, ${counts.events} and ${counts.commands} are there`
      }
      case "Header":
        return undefined
    }
  }

  const entryOf = (whole: string): Result.Result<Entry, InvalidLogFile> => {
    line++
    if (line === 1 && whole.startsWith("\u001f")) return Result.fail(invalid(compressed))
    const linked = unlink(whole)
    if (typeof linked === "string") return Result.fail(invalid(linked))
    const content = contentOf(linked.text)
    if (typeof content === "string") return Result.fail(invalid(content))
    const problem = problemOf(content)
    if (problem !== undefined) return Result.fail(invalid(problem))
    last = content._tag
    return Result.succeed({ ...content, line, size: whole.length, hash: linked.hash })
  }

  const decoded = (chunk: Uint8Array | string): string | InvalidLogFile => {
    if (typeof chunk === "string") return chunk
    if (line === 0 && length === 0 && chunk[0] === 0x1f && chunk[1] === 0x8b) {
      line = 1
      return invalid(compressed)
    }
    try {
      return decoder.decode(chunk, { stream: true })
    } catch (cause) {
      line++
      return invalid("this line or one of the next is not UTF-8", cause)
    }
  }

  return {
    read: (chunk) => {
      const text = decoded(chunk)
      if (typeof text !== "string") return Result.fail(text)
      const entries: Array<Entry> = []
      let from = 0
      for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
        const tail = text.slice(from, to)
        const entry = entryOf(parts.length === 0 ? tail : parts.join("") + tail)
        if (Result.isFailure(entry)) return Result.fail(entry.failure)
        entries.push(entry.success)
        parts = []
        length = 0
        from = to + 1
      }
      if (from < text.length) {
        parts.push(text.slice(from))
        length += text.length - from
        if (length > longestLine) {
          line++
          return Result.fail(invalid(`the line is longer than ${longestLine} characters`))
        }
      }
      return Result.succeed(entries)
    },

    end: () => {
      if (last === "End" && length === 0) return undefined
      line++
      return invalid(
        length > 0 ? "the file ends within the line: it was cut" : "the file was cut: its last line is missing"
      )
    }
  }
}

const compressed = "the file is compressed: decompress it first, with LogFile.gunzip"

import { Export, Import, LogFile } from "@hexfold/core"
import cliProgress from "cli-progress"
import { Effect, FileSystem, Stream } from "effect"

const isCompressed = (path: string): boolean => path.endsWith(".gz")

/** A line that shows how far a step is. It ends with the scope. */
const bar = (what: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const bar = new cliProgress.SingleBar({ format: `${what} {bar} {percentage}% | {value}/{total}` })
      bar.start(0, 0)
      return bar
    }),
    (bar) => Effect.sync(() => bar.stop())
  )

/** Writes the log to a file, and says what is in it. */
export const exportLog = (path: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const line = yield* bar("export")
      let done = { events: 0, commands: 0 }
      const lines = Export.lines({
        onProgress: ({ commands, events, position, upTo }) =>
          Effect.sync(() => {
            done = { events, commands }
            line.setTotal(upTo)
            line.update(position)
          })
      })
      yield* Stream.run(isCompressed(path) ? LogFile.gzip(lines) : Stream.encodeText(lines), files.sink(path))
      return `\nExported ${done.events} events and ${done.commands} commands to ${path}`
    })
  )

/** Imports a log from a file, or what of it is missing, and says how much that was. */
export const importLog = (path: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const line = yield* bar("import")
      const file = files.stream(path)
      const done = { events: 0, written: 0 }
      yield* Stream.runForEach(
        Import.steps(isCompressed(path) ? LogFile.gunzip(file) : file),
        ({ events, total, written }) =>
          Effect.sync(() => {
            Object.assign(done, { events, written })
            if (total !== undefined) line.setTotal(total.events)
            line.update(total === undefined ? 0 : events)
          })
      )
      return `\nImported ${done.written} of the ${done.events} events of ${path}; the others were there`
    })
  )

/**
 * An event store in memory. It is the reference for other adapters, and the store
 * of most tests. Its data is gone when its scope closes.
 */
import { EventStore, LogTransfer, StreamDirectory, type StreamLocks } from "@hexfold/core"
import { Context, Duration, Effect, Layer } from "effect"
import { contended, locks } from "./internal/contended.ts"
import { newLog, open } from "./internal/eventLog.ts"
import type { Log } from "./internal/log.ts"
import { logTransfer } from "./internal/logTransfer.ts"
import { streamDirectory } from "./internal/streamDirectory.ts"

type Store = EventStore.EventStore["Service"]

/** How the store works. */
export interface Options {
  /** How long a command id is remembered, by the program's clock. Forever by default. */
  readonly commandRetention?: Duration.Input
  /**
   * Every n-th append with conditions conflicts although its streams have not
   * changed: 2 lets every second one fail. Such a conflict cannot be told from a
   * real one. Use at least 2, because with 1 no command ends. Never by default.
   */
  readonly conflictEvery?: number
  /**
   * How often an append yields to other fibers before its step, so that commands
   * that run at the same time meet between read and append. 0 by default.
   */
  readonly yields?: number
}

/**
 * Makes an event store in memory.
 *
 * An append is one synchronous step. Nothing can come between its checks and
 * its writes, and an interruption takes effect before that step or after it.
 */
export const make = (options: Options = {}): Effect.Effect<Store> => Effect.sync(() => storeOf(newLog(), options))

const storeOf = (log: Log, options: Options): Store =>
  contended(open(log, Duration.toMillis(options.commandRetention ?? "Infinity")), options)

/** What the layer supplies: the event store, the locks and the list of its streams, and what moves its log. */
export type Supplied =
  | EventStore.EventStore
  | StreamLocks.StreamLocks
  | StreamDirectory.StreamDirectory
  | LogTransfer.LogTransfer

/**
 * Supplies an event store in memory, `StreamDirectory`, `LogTransfer`, and `StreamLocks`. There is nothing
 * to lock, so `hold` runs its effect as it is.
 *
 * @example
 * ```ts
 * import { MemoryEventStore } from "@hexfold/adapters-memory"
 * import { EventStore } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, EventStore.EventStore>
 *
 * Effect.runPromise(Effect.provide(program, MemoryEventStore.layer()))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Supplied> =>
  Layer.effectContext(
    Effect.sync(() => {
      const log = newLog()
      return locks.pipe(
        Context.add(EventStore.EventStore, storeOf(log, options)),
        Context.add(StreamDirectory.StreamDirectory, streamDirectory(log)),
        Context.add(LogTransfer.LogTransfer, logTransfer(log))
      )
    })
  )

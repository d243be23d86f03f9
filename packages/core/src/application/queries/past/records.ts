/** Where the records of a past moment are kept while events are folded into them. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { jsonBytes } from "../../../ports/jsonBytes.ts"
import type { Changes, DeadLetter } from "../../../ports/ProjectionStore.ts"

/** What a batch of events has made. */
interface Batch extends Changes {
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** The position of the last event of the batch. */
  readonly to: number
}

/** Records into which events are folded. */
export interface PastRecords<out E> {
  /** The states by key, and those of the keys that are parked. */
  readonly load: (keys: ReadonlyArray<string>) => Effect.Effect<Loaded, E>
  readonly write: (batch: Batch) => Effect.Effect<void, E>
}

interface Loaded {
  readonly states: ReadonlyMap<string, Schema.Json>
  readonly parked: ReadonlySet<string>
}

/** Records in memory. */
export interface MemoryRecords extends PastRecords<never> {
  readonly states: ReadonlyMap<string, Schema.Json>
  /** The bytes of JSON that they have. */
  readonly bytes: () => number
}

/** Keeps records in memory. */
export const inMemory = (): MemoryRecords => {
  const states = new Map<string, Schema.Json>()
  const sizes = new Map<string, number>()
  const parked = new Set<string>()
  let bytes = 0
  const resize = (key: string, size: number) => {
    bytes += size - (sizes.get(key) ?? 0)
    if (size === 0) sizes.delete(key)
    else sizes.set(key, size)
  }
  return {
    states,
    bytes: () => bytes,
    load: () => Effect.succeed({ states, parked }),
    write: ({ deadLetters, put, remove }) =>
      Effect.sync(() => {
        for (const { key, state } of put) {
          states.set(key, state)
          resize(key, key.length + jsonBytes(state))
        }
        for (const key of remove) {
          states.delete(key)
          resize(key, 0)
        }
        for (const each of deadLetters) if (each.parked) parked.add(each.key)
      })
  }
}

/** The records do not fit into the memory that they may take. */
export class TooLarge {
  readonly _tag = "TooLarge"
}

/** Records in memory, up to a number of bytes. */
export const limited = (records: MemoryRecords, most: number): PastRecords<TooLarge> => ({
  load: records.load,
  write: (batch) =>
    Effect.andThen(
      records.write(batch),
      Effect.suspend(() => (records.bytes() > most ? Effect.fail(new TooLarge()) : Effect.void))
    )
})

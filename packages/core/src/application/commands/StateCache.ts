/**
 * Remembers the states that the executor has folded, by stream. A command on a
 * known stream then need not read it. This is safe: the append still checks the
 * version, and a decision that rejects the command or records nothing is made
 * again on freshly read states. A stale state costs time, never correctness.
 *
 * Only what is committed is remembered: a command inside a transaction of the
 * caller neither uses the cache nor adds to it. A store may lose commits, in a
 * failover or by a restore. Its log is then in another history, or a stream is at a
 * version below the remembered one. The first command that meets either makes the
 * cache forget all states of the store.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { StreamId } from "../../domain/StreamId.ts"

/** A state, and the version of the stream that it was folded from. */
export interface Remembered {
  /** The aggregate whose `evolve` made the state. */
  readonly source: object
  readonly state: unknown
  readonly version: number
}

/** The states of the streams of one store. */
export interface States {
  readonly get: (streamId: StreamId, source: object) => Remembered | undefined
  /** The history of the log that all states come from; undefined if nothing is remembered. */
  readonly history: () => number | undefined
  /**
   * Remembers a state of a history of the log, unless a later one is known. With the first state of a later history all
   * others are forgotten.
   */
  readonly put: (streamId: StreamId, remembered: Remembered, history: number) => void
  /** Forgets the state of a stream. */
  readonly forget: (streamId: StreamId) => void
  /** Forgets all states, because the store has lost commits. */
  readonly clear: () => void
}

/** A cache: the states of each store, because one process may have several stores. */
export type StateCache = (store: object) => States

/** The cache in use. By default there is no cache. */
export const Current = Context.Reference<StateCache | undefined>("@hexfold/core/StateCache", {
  defaultValue: () => undefined
})

/** Makes a cache of at most `capacity` states for each store. It forgets the least recently used states first. */
export const make = (options: { readonly capacity: number }): StateCache => {
  const byStore = new WeakMap<object, States>()
  return (store) => {
    let states = byStore.get(store)
    if (states === undefined) byStore.set(store, (states = makeStates(options.capacity)))
    return states
  }
}

/**
 * Lets the commands of a program use a cache of at most `capacity` states for
 * each store.
 *
 * @example
 * ```ts
 * import { StateCache } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void>
 *
 * Effect.provide(program, StateCache.layer({ capacity: 10_000 }))
 * ```
 */
export const layer = (options: { readonly capacity: number }): Layer.Layer<never> =>
  Layer.sync(Current, () => make(options))

const makeStates = (capacity: number): States => {
  // A Map keeps the order of insertion. A state that is used moves to its end.
  const states = new Map<StreamId, Remembered>()
  let history: number | undefined
  return {
    get: (streamId, source) => {
      const remembered = states.get(streamId)
      if (remembered?.source !== source) return undefined
      states.delete(streamId)
      states.set(streamId, remembered)
      return remembered
    },
    history: () => history,
    put: (streamId, remembered, from) => {
      if (history !== undefined && from < history) return
      if (from !== history) states.clear()
      history = from
      const known = states.get(streamId)
      if (known?.source === remembered.source && known.version > remembered.version) return
      states.delete(streamId)
      states.set(streamId, remembered)
      if (states.size > capacity) states.delete(states.keys().next().value!)
    },
    forget: (streamId) => void states.delete(streamId),
    clear: () => {
      states.clear()
      history = undefined
    }
  }
}

/**
 * The view store in memory: the reference for other adapters, and what tests
 * run on. It forgets everything when its scope closes.
 */
import { CommitCheck, Fenced, Query, ViewStore } from "@hexfold/core"
import { Duration, Effect, Layer, type Schema } from "effect"

type Store = ViewStore.ViewStore["Service"]

interface Stored {
  readonly records: Map<string, Schema.Json>
  epoch: number
  position: number
  owner: string
  /** In milliseconds, by the program's clock. */
  leasedUntil: number
  serves: boolean
}

const open = (): Store => {
  const views = new Map<string, Map<number, Stored>>()

  const generation = ({ version, view }: ViewStore.Generation): Stored => {
    let versions = views.get(view)
    if (versions === undefined) views.set(view, (versions = new Map<number, Stored>()))
    let stored = versions.get(version)
    if (stored === undefined) {
      const serves = versions.size === 0
      stored = { records: new Map(), epoch: 0, position: 0, owner: "", leasedUntil: 0, serves }
      versions.set(version, stored)
    }
    return stored
  }

  const serving = (view: string): ReadonlyMap<string, Schema.Json> => {
    for (const stored of views.get(view)?.values() ?? []) if (stored.serves) return stored.records
    return new Map()
  }

  const query = (query: Query.Query | Query.Count) =>
    Effect.suspend((): Effect.Effect<Query.Page<Schema.Json> | number, Query.InvalidCursor> => {
      const records = Array.from(serving(query.view), ([key, state]) => ({ key, state }))
      return query._tag === "Count"
        ? Effect.succeed(Query.runCount(query, records))
        : Effect.fromResult(Query.run(query, records))
    })

  return ViewStore.ViewStore.of({
    claim: (claim) =>
      Effect.clockWith((clock): ReturnType<Store["claim"]> => {
        const refused = CommitCheck.checkClaim(claim)
        if (refused !== undefined) return Effect.fail(refused)
        const now = clock.currentTimeMillisUnsafe()
        const stored = generation(claim.generation)
        if (stored.leasedUntil > now && stored.owner !== claim.owner) {
          return Effect.succeed({ _tag: "Held", by: stored.owner })
        }
        if (stored.owner !== claim.owner || stored.leasedUntil <= now) stored.epoch++
        stored.owner = claim.owner
        stored.leasedUntil = now + Duration.toMillis(claim.lease)
        return Effect.succeed({ _tag: "Owned", epoch: stored.epoch, position: stored.position })
      }),

    // One synchronous step: nothing comes between the check and the writes.
    commit: (given) =>
      Effect.suspend((): ReturnType<Store["commit"]> => {
        const commit = CommitCheck.check(given)
        if ("_tag" in commit) return Effect.fail(commit)
        const { epoch, from, put, remove, serve = false, to } = commit
        const { version, view } = commit.generation
        const stored = views.get(view)?.get(version)
        if (stored?.epoch !== epoch || stored.position !== from) {
          const { epoch: actual = 0, position = 0 } = stored ?? {}
          const expected = { epoch, position: from }
          return Effect.fail(new Fenced({ view, version, expected, actual: { epoch: actual, position } }))
        }
        for (const { key, state } of put) stored.records.set(key, state)
        for (const key of remove) stored.records.delete(key)
        stored.position = to
        const versions = views.get(view)!
        const later = [...versions].some(([other, { serves }]) => serves && other > version)
        if (serve && !later) for (const each of versions.values()) each.serves = each === stored
        return Effect.void
      }),

    load: (from, keys) =>
      Effect.sync(() => {
        const records = "version" in from ? views.get(from.view)?.get(from.version)?.records : serving(from.view)
        const found = new Map<string, Schema.Json>()
        for (const key of keys) {
          const state = records?.get(key)
          if (state !== undefined) found.set(key, state)
        }
        return found
      }),

    query: query as Store["query"],

    status: Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        const all: Array<ViewStore.Status> = []
        for (const [view, versions] of views) {
          for (const [version, { epoch, leasedUntil, owner, position, serves }] of versions) {
            all.push({ view, version, epoch, position, owner: leasedUntil > now ? owner : undefined, serves })
          }
        }
        return all.sort((a, b) => (a.view === b.view ? a.version - b.version : a.view < b.view ? -1 : 1))
      })
    )
  })
}

/** Opens a view store in memory. */
export const make: Effect.Effect<Store> = Effect.sync(open)

/**
 * Supplies a view store in memory.
 *
 * @example
 * ```ts
 * import { MemoryViewStore } from "@hexfold/adapters-memory"
 * import { ViewStore } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, ViewStore.ViewStore>
 *
 * Effect.runPromise(Effect.provide(program, MemoryViewStore.layer))
 * ```
 */
export const layer: Layer.Layer<ViewStore.ViewStore> = Layer.effect(ViewStore.ViewStore, make)

import type { ViewStore, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, type Schema } from "effect"
import { open as openNode } from "../nodes.ts"

/** The store under test. */
export type Store = ViewStore.ViewStore["Service"]

/** Opens a node and takes its view store. */
export const open = Effect.map(openNode, ({ viewStore }) => viewStore)

let made = 0

/** A generation of a view that no other case uses. */
export const newGeneration = (version = 1): ViewStore.Generation => ({
  view: `V${crypto.randomUUID().replaceAll("-", "")}_${++made}`,
  version
})

const minute = Duration.minutes(1)

/** Claims a generation for a minute. */
export const claim = (
  store: Store,
  generation: ViewStore.Generation,
  owner = "one",
  lease = minute
): Effect.Effect<ViewStore.Claimed, ViewStoreError> => store.claim({ generation, owner, lease })

/** Claims a generation that is free, and returns the epoch. */
export const own = (
  store: Store,
  generation: ViewStore.Generation,
  owner?: string
): Effect.Effect<number, ViewStoreError> =>
  Effect.flatMap(claim(store, generation, owner), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed.epoch) : Effect.die(claimed)
  )

/** Claims a part that is free, and returns the epoch. */
export const ownPart = (
  store: Store,
  generation: ViewStore.Generation,
  index: number,
  of: number,
  owner = "one"
): Effect.Effect<number, ViewStoreError> =>
  Effect.flatMap(store.claim({ generation, part: { index, of }, owner, lease: minute }), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed.epoch) : Effect.die(claimed)
  )

/** Ends the lease of an owner on a part of a generation. */
export const free = (
  store: Store,
  generation: ViewStore.Generation,
  part: ViewStore.Part = { index: 0, of: 1 },
  owner = "one"
): Effect.Effect<ViewStore.Claimed, ViewStoreError> => store.claim({ generation, part, owner, lease: Duration.zero })

/** The status of all generations of a view. */
export const statusOf = (store: Store, view: string) =>
  Effect.map(store.status, (all) => all.filter((each) => each.view === view))

/** A commit that changes no record; other commits are made from it. */
export const nothing = { put: [], remove: [] } as const

/** The records with these states by key. */
export const records = (states: Readonly<Record<string, Schema.Json>>): ViewStore.Commit["put"] =>
  Object.entries(states).map(([key, state]) => ({ key, state }))

/** The position and the owner of a generation that has one part. */
export const placeOf = (store: Store, { version, view }: ViewStore.Generation) =>
  Effect.map(store.status, (all) => all.find((each) => each.view === view && each.version === version)?.parts[0])

/** The answer to a claim of a generation's first build. */
export const owned = (epoch: number, position: number): ViewStore.Claimed => ({
  _tag: "Owned",
  build: 1,
  epoch,
  position,
  inline: false
})

/** All records of the generation that serves. */
export const served = (store: Store, view: string) =>
  Effect.map(store.query({ _tag: "Records", view, orderBy: [] }), ({ rows }): Readonly<Record<string, Schema.Json>> =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

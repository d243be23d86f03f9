import type { ViewStore, ViewStoreError } from "@hexfold/core"
import { Context, Duration, Effect, type Schema, type Scope } from "effect"

/** The store under test. */
export type Store = ViewStore.ViewStore["Service"]

/** What an adapter supplies to be held to the contract. */
export class Backend extends Context.Service<
  Backend,
  {
    /** Opens one more instance on the same data. */
    readonly open: Effect.Effect<Store, ViewStoreError, Scope.Scope>
  }
>()("@hexfold/testing/ViewStoreContract/Backend") {}

/** A promise of the port and the program that tests it. */
export type Cases = Readonly<Record<string, Effect.Effect<void, unknown, Backend | Scope.Scope>>>

/** Opens an instance. */
export const open: Effect.Effect<Store, ViewStoreError, Backend | Scope.Scope> = Effect.flatMap(
  Backend,
  (backend) => backend.open
)

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

/** Claims a generation that is free, and tells in which epoch. */
export const own = (
  store: Store,
  generation: ViewStore.Generation,
  owner?: string
): Effect.Effect<number, ViewStoreError> =>
  Effect.flatMap(claim(store, generation, owner), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed.epoch) : Effect.die(`held by ${claimed.by}`)
  )

/** Records from their states by key. */
export const records = (states: Readonly<Record<string, Schema.Json>>): ViewStore.Commit["put"] =>
  Object.entries(states).map(([key, state]) => ({ key, state }))

/** The epoch and position of a generation. */
export const placeOf = (store: Store, { version, view }: ViewStore.Generation) =>
  Effect.map(store.status, (all) => all.find((each) => each.view === view && each.version === version))

/** All records of the generation that serves. */
export const served = (store: Store, view: string) =>
  Effect.map(store.query({ _tag: "Records", view, orderBy: [] }), ({ rows }): Readonly<Record<string, Schema.Json>> =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

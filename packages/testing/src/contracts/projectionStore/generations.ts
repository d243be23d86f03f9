import {
  type CommitConflict,
  NotServing,
  type ProjectionStore,
  type ViewStore,
  type ViewStoreError
} from "@hexfold/core"
import { DateTime, Duration, Effect, type Schema } from "effect"
import { type Node, open as openNode } from "../nodes.ts"

type Projections = ProjectionStore.ProjectionStore["Service"]
type Views = ViewStore.ViewStore["Service"]

/** The stores of views under test, of one node. */
export interface Store extends Projections {
  /** What reads the records. */
  readonly views: Views
}

/** Takes the stores of views of a node. */
export const storeOf = ({ projectionStore, viewStore }: Pick<Node, "projectionStore" | "viewStore">): Store => ({
  ...projectionStore,
  views: viewStore
})

/** Opens a node and takes its stores of views. */
export const open = Effect.map(openNode, storeOf)

let made = 0

/** A generation of a view that no other case uses. */
export const newGeneration = (version = 1): ProjectionStore.Generation => ({
  view: `V${crypto.randomUUID().replaceAll("-", "")}_${++made}`,
  version
})

const minute = Duration.minutes(1)

/** Claims a generation for a minute. */
export const claim = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  owner = "one",
  lease = minute
): Effect.Effect<ProjectionStore.Claimed, ViewStoreError> => store.claim({ generation, owner, lease })

/** Claims a generation that is free, and returns the epoch. */
export const own = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  owner?: string
): Effect.Effect<number, ViewStoreError> =>
  Effect.flatMap(claim(store, generation, owner), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed.epoch) : Effect.die(claimed)
  )

/** Claims a part that is free, and returns the epoch. */
export const ownPart = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  index: number,
  of: number,
  owner = "one"
): Effect.Effect<number, ViewStoreError> =>
  Effect.flatMap(store.claim({ generation, part: { index, of }, owner, lease: minute }), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed.epoch) : Effect.die(claimed)
  )

/** Ends the lease of an owner on a part of a generation. */
export const free = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  part: ProjectionStore.Part = { index: 0, of: 1 },
  owner = "one"
): Effect.Effect<ProjectionStore.Claimed, ViewStoreError> =>
  store.claim({ generation, part, owner, lease: Duration.zero })

/** The status of all generations of a view. */
export const statusOf = (store: Pick<Store, "views">, view: string) =>
  Effect.map(store.views.status, (all) => all.filter((each) => each.view === view))

/** A change that writes records with these states by key. */
export const records = (states: Readonly<Record<string, Schema.Json>>): ProjectionStore.Changes => ({
  put: Object.entries(states).map(([key, state]) => ({ key, state })),
  remove: []
})

/** The position and the owner of a generation that has one part. */
export const placeOf = (store: Pick<Store, "views">, { version, view }: ProjectionStore.Generation) =>
  Effect.map(store.views.status, (all) => all.find((each) => each.view === view && each.version === version)?.parts[0])

/** The answer to a claim of a generation's first build. */
export const owned = (epoch: number, position: number): ProjectionStore.Claimed => ({
  _tag: "Owned",
  build: 1,
  epoch,
  position,
  inline: false
})

/** Claims a generation that is free, lets it serve from the position 0 on, and returns the epoch. */
export const begin = (
  store: Pick<Store, "claim" | "commit">,
  generation: ProjectionStore.Generation,
  owner?: string
): Effect.Effect<number, CommitConflict | ViewStoreError> =>
  Effect.tap(own(store, generation, owner), (epoch) =>
    store.commit({ owner: { generation, epoch }, from: 0, to: 0, asks: "serve" })
  )

/** Why nothing answers for a version. */
export const refusal = <A, E extends { readonly _tag: string }, R>(
  reading: Effect.Effect<A, E | NotServing, R>
): Effect.Effect<string, A, R> =>
  Effect.map(Effect.flip(reading), (error) => (error instanceof NotServing ? error.reason : error._tag))

/** All records of the generation that answers for a version of a view. */
export const served = (store: Pick<Store, "views">, { version, view }: ViewStore.Version) =>
  Effect.map(
    store.views.query({ _tag: "Records", view, orderBy: [] }, version),
    ({ rows }): Readonly<Record<string, Schema.Json>> => Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** The dead letter of an event that could not be applied to a record. */
export const letter = (position: number, key: string, parked = true): ProjectionStore.DeadLetter => ({
  position,
  history: 1,
  key,
  parked,
  stream: "Account-1",
  streamVersion: position,
  type: "Opened",
  error: { step: "evolve", cause: "too much" },
  at: DateTime.makeUnsafe(1_700_000_000_000 + position)
})

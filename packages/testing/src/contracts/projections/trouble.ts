import { EventStore, type Projection, ProjectionStore, Reason, ViewStore, ViewStoreError } from "@hexfold/core"
import { Context, Duration, Effect, type Exit, type Scope } from "effect"
import { type Node, type Nodes, open as openNode } from "../nodes.ts"

/**
 * What happens to the operations of a node's view store.
 *
 * - `none`: nothing.
 * - `down`: they fail.
 * - `deaf`: they are done, and their answer is lost.
 * - `late`: commits are held back until they are delivered, and so are claims after the first commit; there is no
 *   answer. Claims before it are done, so that a node whose lease has just ended still comes to its commit.
 * - `slow`: like `late`, but all claims are done at once.
 * - `gone`: they are lost.
 */
export type Trouble = "none" | "down" | "deaf" | "late" | "slow" | "gone"

/** A node whose connection to the view store can be in trouble. */
export interface TroubledNode extends Node {
  trouble: Trouble
  /** The commits that this node has made. */
  readonly commits: Array<ProjectionStore.Commit>
  /** The number of claims that the store has answered to this node. */
  readonly claims: () => number
  /** The number of operations that are held back. */
  readonly held: () => number
  /** Sends the operations that are held back, and returns the outcomes of the commits. */
  readonly deliver: Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>
  /** Runs an effect on the stores of this node. */
  readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Projection.Stores>>
}

/** Opens a node. */
export const open: Effect.Effect<TroubledNode, never, Nodes | Scope.Scope> = Effect.gen(function* () {
  const opened = yield* openNode
  const plain = opened.projectionStore
  const commits: TroubledNode["commits"] = []
  let claims = 0
  let held: Array<Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>> = []

  const through = <A, E>(
    operation: Effect.Effect<A, E>,
    late?: Effect.Effect<ReadonlyArray<Exit.Exit<void, unknown>>>
  ): Effect.Effect<A, E | ViewStoreError> =>
    Effect.suspend((): Effect.Effect<A, E | ViewStoreError> => {
      switch (node.trouble) {
        case "none":
          return operation
        case "down":
          return Effect.fail(down)
        case "deaf":
          return Effect.andThen(operation, Effect.never)
        case "slow":
        case "late":
          if (late === undefined) return operation
          held.push(late)
          return Effect.never
        case "gone":
          return Effect.never
      }
    })

  const claim = (given: ProjectionStore.Claim) => Effect.tap(plain.claim(given), () => Effect.sync(() => void claims++))

  const commit = (given: ProjectionStore.Commit) =>
    Effect.tap(plain.commit(given), () => Effect.sync(() => void commits.push(given)))

  const viewStore: ViewStore.ViewStore["Service"] = {
    ...opened.viewStore,
    status: through(opened.viewStore.status)
  }

  const projectionStore: ProjectionStore.ProjectionStore["Service"] = {
    ...plain,
    claim: (given) =>
      Effect.suspend(() => {
        const isDone =
          (node.trouble === "slow" && Duration.isGreaterThan(given.lease, Duration.zero)) ||
          (node.trouble === "late" && held.length === 0)
        return isDone ? claim(given) : through(claim(given), Effect.as(Effect.exit(claim(given)), []))
      }),
    load: (generation, keys) => through(plain.load(generation, keys)),
    commit: (given) =>
      through(
        commit(given),
        Effect.map(Effect.exit(commit(given)), (exit) => [exit])
      )
  }

  const node: TroubledNode = {
    ...opened,
    viewStore,
    projectionStore,
    commits,
    trouble: "none",
    claims: () => claims,
    held: () => held.length,
    deliver: Effect.suspend(() => {
      const due = held
      held = []
      return Effect.map(Effect.all(due), (exits) => exits.flat())
    }),
    run: Effect.provideContext(
      Context.make(EventStore.EventStore, opened.eventStore).pipe(
        Context.add(ViewStore.ViewStore, viewStore),
        Context.add(ProjectionStore.ProjectionStore, projectionStore)
      )
    )
  }
  return node
})

/** Opens several nodes. */
export const openAll = (count: number) => Effect.forEach(Array.from({ length: count }), () => open)

const down = new ViewStoreError({ operation: "commit", reason: new Reason.Unavailable({ detail: "down" }) })

/** Opens two nodes. */
export const two = Effect.all([open, open])

/** Opens three nodes. */
export const three = Effect.all([open, open, open])

/** The port to the records of views, and what adapters have to promise: see {@link ViewStore}. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../domain/errors.ts"
import type * as Query from "../domain/query/data.ts"
import type { DeadLetter, DeadLetterCounts, DeadLetterOptions, Unapplied } from "./deadLetter.ts"
import type { CommitConflict, ViewStoreError } from "./errors.ts"
import type { Generation, Part, Status, Throughput } from "./generation.ts"

export type { DeadLetter, DeadLetterCounts, DeadLetterOptions, Unapplied } from "./deadLetter.ts"
export type { Generation, Part, PartStatus, Status, Throughput } from "./generation.ts"

/** Asks for the ownership of a generation, or of one part of it. Only its owner may write it. */
export interface Claim {
  readonly generation: Generation
  /** The part that is claimed. By default it is the whole generation. */
  readonly part?: Part
  /** The name of the projection that asks. No other projection may have the same name. */
  readonly owner: string
  /** The duration of the lease. A zero duration releases it. */
  readonly lease: Duration.Duration
  /** The fields by which records are looked up. A store needs them when it creates the generation. */
  readonly indexes?: ReadonlyArray<ReadonlyArray<Query.Path>>
  /** Where a new generation starts: the first event it applies is the one after this position. 0 by default. */
  readonly after?: number
  /** Whether appends may go on maintaining the generation. By default they stop. */
  readonly inline?: boolean
}

/** The answer to a claim. */
export type Claimed =
  | {
      /** The projection owns the generation, or its part, until the lease ends. */
      readonly _tag: "Owned"
      readonly build: number
      /** A number that grows with every change of the owner, also if the generation was dropped and begun again. */
      readonly epoch: number
      /** The position up to which events are in the records. */
      readonly position: number
      /** The history of the log in which the position was reached; undefined if no commit has said it. */
      readonly history?: number | undefined
      /** Whether appends maintain the generation. If so, there is nothing to commit. */
      readonly inline: boolean
    }
  /** Another projection owns it. */
  | { readonly _tag: "Held"; readonly by: string }
  /** The keys are divided into another number of parts, and these have not reached one common position. */
  | { readonly _tag: "Divided"; readonly positions: ReadonlyArray<number> }

/** A batch of a projection. */
export interface Commit {
  readonly generation: Generation
  /** The index of the part. 0 by default. */
  readonly part?: number
  /** The epoch that the claim was given. */
  readonly epoch: number
  /** The position that the generation, or its part, has reached before the commit. */
  readonly from: number
  /** The position that it reaches with the commit. */
  readonly to: number
  /** The history of the log in which it reaches the position. Without it the former value stays. */
  readonly history?: number
  /** The states of the records that changed, as JSON. */
  readonly put: ReadonlyArray<Query.Row<Schema.Json>>
  /** The keys of the records that are deleted. */
  readonly remove: ReadonlyArray<string>
  /** The dead letters to write, and those to delete. A dead letter to delete must exist. */
  readonly deadLetters?: {
    readonly put: ReadonlyArray<DeadLetter>
    readonly remove: ReadonlyArray<Pick<DeadLetter, "position" | "key">>
  }
  /** The event that stopped the projection. A commit without it that goes beyond `from` clears the former failure. */
  readonly failure?: Unapplied
  /** How fast the projection works. Without it the former value stays. */
  readonly throughput?: Throughput
  /**
   * Asks that this generation answers the queries from now on. The store ignores
   * it if a later generation already answers, or if a part of this one has not
   * reached the position of the one that answers.
   */
  readonly serve?: boolean
  /**
   * With `serve`: the log does not have the position of the generation that answers,
   * so this one need not reach it.
   */
  readonly overLost?: boolean
  /**
   * Asks that appends maintain the generation from now on. They do if it has one
   * part, if no key is parked, and if every event up to here can be applied.
   * Otherwise, together with `serve`, they stop maintaining the earlier
   * generation that answers the queries. A store whose appends do not know the
   * view refuses the commit.
   */
  readonly inline?: boolean
  /** Deletes the generation with all its records. A generation that answers the queries is not deleted. */
  readonly drop?: boolean
}

/** Records by key. */
export interface Loaded {
  /** The states of the records that exist, as JSON. */
  readonly states: ReadonlyMap<string, Schema.Json>
  /** Those of the keys that are parked. */
  readonly parked: ReadonlySet<string>
  /**
   * The position of each part at that moment; empty if there is no such
   * generation. The records contain no event after this position. For an inline
   * view they may still lack an earlier event whose transaction has not
   * committed yet.
   */
  readonly positions: ReadonlyArray<number>
}

/**
 * The port to the records of views.
 *
 * 1. A commit is atomic: it writes all its records, its dead letters and the
 *    position, or nothing.
 * 2. A commit is fenced: with another epoch or from another position than the
 *    store's it fails with `CommitConflict` and changes nothing. If two commits
 *    begin at the same position and go beyond it, one of them succeeds. A commit
 *    is also refused if it removes a dead letter that does not exist, or queues
 *    an event for a key that is not parked: see `CommitCheck.waitingKeys`.
 * 3. A generation, or each of its parts, has at most one owner. A lease that has
 *    ended, by the store's clock, frees it; the next owner gets a higher epoch.
 *    An owner that claims again renews its lease and keeps the epoch.
 * 4. The first generation of a view answers queries at once. A later version or
 *    build answers from the commit that asks for it and has reached the position
 *    of the one before; an earlier generation never answers again. Generations
 *    do not see each other's records. Commits to a build that a later one of its
 *    version has replaced are refused.
 * 5. A query answers as `QueryEvaluation.run`, `runCount` and `runGroups` do over
 *    the records of the generation that answers. A query that takes longer than
 *    its `timeout` is ended, and fails with the reason `Timeout`.
 * 6. Records that are loaded or asked for together come from one moment, and so
 *    do the positions that come with them.
 * 7. The keys of a generation are divided anew only while no part is owned and
 *    all parts have reached one common position. The new parts begin there, in a
 *    higher epoch.
 * 8. A generation that appends maintain has every committed event in its
 *    records, applied once. If an append cannot maintain it, appends stop at a
 *    position after which nothing is applied.
 */
export class ViewStore extends Context.Service<
  ViewStore,
  {
    /** Claims a generation or a part of it, renews the lease, or releases it. Creates a generation that does not exist. */
    readonly claim: (claim: Claim) => Effect.Effect<Claimed, ViewStoreError>

    /** Writes a batch as the owner. */
    readonly commit: (commit: Commit) => Effect.Effect<void, CommitConflict | ViewStoreError>

    /** Loads records by key: those of the generation that answers the queries, if no version is named. */
    readonly load: (
      generation: Generation | Omit<Generation, "version" | "build">,
      keys: ReadonlyArray<string>
    ) => Effect.Effect<Loaded, ViewStoreError>

    /** Answers a query from the generation that serves. Without such a generation the answer is empty. */
    readonly query: {
      (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | ViewStoreError>
      (query: Query.Count): Effect.Effect<number, ViewStoreError>
      (query: Query.Groups): Effect.Effect<ReadonlyArray<Query.GroupValues>, ViewStoreError>
    }

    /** Reads the dead letters of a generation, by position and key. */
    readonly deadLetters: (
      generation: Generation,
      options?: DeadLetterOptions
    ) => Effect.Effect<ReadonlyArray<DeadLetter>, ViewStoreError>

    /** Counts the dead letters of a generation. The more there are, the longer it takes. */
    readonly deadLetterCounts: (generation: Generation) => Effect.Effect<DeadLetterCounts, ViewStoreError>

    /** The state of all generations, by view, version and build. It is read often and has to be quick. */
    readonly status: Effect.Effect<ReadonlyArray<Status>, ViewStoreError>
  }
>()("@hexfold/core/ViewStore") {}

/** The port by which projections write the records of views, and what adapters have to promise: see {@link ProjectionStore}. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Query from "../domain/query/data.ts"
import type { DeadLetter, DeadLetterCounts, DeadLetterOptions, Unapplied } from "./deadLetter.ts"
import type { CommitConflict, ViewStoreError } from "./errors.ts"
import type { Generation, Part, Throughput } from "./generation.ts"

export type { DeadLetter, DeadLetterCounts, DeadLetterOptions, Unapplied } from "./deadLetter.ts"
export type { Generation, Part, Throughput } from "./generation.ts"

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
  /**
   * The fingerprint of the definition that makes the records. The generation keeps that of
   * the first claim that has one. A claim without it is that of nobody who applies events.
   */
  readonly fingerprint?: string
  /** Given by an owner that renews its lease, or ends it. Stores may write renewals that come together in one statement. */
  readonly renews?: Renewal
}

/** What an owner knows when it renews its lease. */
export interface Renewal {
  /** The epoch that the owner was given. */
  readonly epoch: number
  /** The positions that the owner has passed since its last commit. None of them has an event that its view handles. */
  readonly passed?: {
    /** The position that the generation, or its part, has in the store. */
    readonly from: number
    readonly to: number
    /** The history of the log in which the positions were passed. */
    readonly history: number
  }
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
  /** The records are those of another definition, which has this fingerprint. Nothing has changed. */
  | { readonly _tag: "Differs"; readonly fingerprint: string }

/** Who writes: the owner of a generation, or of one part of it. */
export interface Owner {
  readonly generation: Generation
  /** The index of the part. 0 by default. */
  readonly part?: number
  /** The epoch that the claim was given. */
  readonly epoch: number
}

/** A generation to delete, and its owner. */
export interface Drop extends Owner {
  /** Whether it is deleted also if it answers the queries and no other version of the view does. False by default. */
  readonly evenIfServing?: boolean
}

/** What a batch changes of the records. */
export interface Changes {
  /** The states of the records that changed, as JSON. */
  readonly put: ReadonlyArray<Query.Row<Schema.Json>>
  /** The keys of the records that are deleted. */
  readonly remove: ReadonlyArray<string>
}

/** A batch of a projection. */
export interface Commit {
  readonly owner: Owner
  /** The position that the generation, or its part, has reached before the commit. */
  readonly from: number
  /** The position that it reaches with the commit. */
  readonly to: number
  /** The history of the log in which it reaches the position. Without it the former value stays. */
  readonly history?: number
  /** What the batch changes of the records. Nothing by default. */
  readonly records?: Changes
  /** The dead letters to write, and those to delete. A dead letter to delete must exist. */
  readonly deadLetters?: {
    readonly put: ReadonlyArray<DeadLetter>
    readonly remove: ReadonlyArray<Pick<DeadLetter, "position" | "key">>
  }
  /** What the projection reports of its work. */
  readonly progress?: {
    /** The event that stopped the projection. A commit without it that goes beyond `from` clears the former failure. */
    readonly failure?: Unapplied
    /** How fast the projection works. Without it the former value stays. */
    readonly throughput?: Throughput
  }
  /**
   * What the generation asks for once the batch is written.
   *
   * - `serve`: it answers the queries to its version from now on. The store ignores
   *   this if a later build of the version already answers, or if a part of this one
   *   has not reached the position of the build that answers, or `to` if none does.
   * - `serve over lost`: the same, but the log does not have the position of the
   *   build that answers, so this one need not have reached it.
   * - `serve inline`: the same as `serve`, and appends maintain it from now on. They
   *   do if it has one part, if no key is parked, and if every event up to here can
   *   be applied. Otherwise they stop maintaining the earlier build that answers the
   *   queries. A store whose appends do not know the view refuses the commit.
   */
  readonly asks?: "serve" | "serve over lost" | "serve inline"
}

/** Records by key, for the projection that writes them. */
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
 * The port by which projections write the records of views. What reads them is the
 * port `ViewStore`. One store supplies both.
 *
 * 1. A commit is atomic: it writes all its records, its dead letters and the
 *    position, or nothing.
 * 2. A commit is fenced: with another epoch or from another position than the
 *    store's it fails with `CommitConflict` and changes nothing. If two commits
 *    begin at the same position and go beyond it, one of them succeeds. A commit
 *    is also refused if it removes a dead letter that does not exist, or queues
 *    an event for a key that is not parked: see `CommitCheck.waitingKeys`. A drop
 *    is fenced by the epoch.
 * 3. A generation, or each of its parts, has at most one owner. A lease that has
 *    ended, by the store's clock, frees it; the next owner gets a higher epoch.
 *    An owner that claims again renews its lease and keeps the epoch. A renewal moves
 *    the position over what the owner has passed, like a commit without records, if the
 *    lease has not ended, the epoch and the position are the store's, and appends do not
 *    maintain the generation. Otherwise the position stays. The answer says where it is.
 * 4. Each version of a view has its own generation that answers the queries to it. It
 *    answers from the commit that asks for it. A later build answers from the commit
 *    that asks for it and has reached the position of the one before; an earlier build
 *    never answers again, and commits to it are refused. Generations do not see each
 *    other's records. A claim of a version that was left (see `ViewStore`) ends that it
 *    answers, until a commit asks for it again.
 * 6. Records that are loaded together come from one moment, and so do the positions
 *    that come with them.
 * 7. The keys of a generation are divided anew only while no part is owned and
 *    all parts have reached one common position. The new parts begin there, in a
 *    higher epoch.
 * 8. A generation that appends maintain has every committed event in its
 *    records, applied once. If an append cannot maintain it, appends stop at a
 *    position after which nothing is applied.
 * 9. The events of a generation are applied by one definition only. A claim with a
 *    fingerprint that is not the generation's changes nothing, also if nobody owns the
 *    generation. Appends maintain it only with the definition that has its fingerprint.
 * 10. The generation of a reactor is that of all its versions: see `Generation`. A claim of a
 *    version above the generation's gives it that version and that fingerprint at once. From
 *    then on owners of lower versions may commit and release their lease, but not renew it;
 *    so the higher version begins where they have ended. A claim of a lower version is
 *    `Held` until no part has had an owner for the duration of the claim's lease. Then the
 *    generation goes back to that version.
 *
 * The numbers are those of the promises in the contract suite; promise 5 is of the
 * port `ViewStore`.
 */
export class ProjectionStore extends Context.Service<
  ProjectionStore,
  {
    /** Claims a generation or a part of it, renews the lease, or releases it. Creates a generation that does not exist. */
    readonly claim: (claim: Claim) => Effect.Effect<Claimed, ViewStoreError>

    /** Loads records of a generation by key. */
    readonly load: (generation: Generation, keys: ReadonlyArray<string>) => Effect.Effect<Loaded, ViewStoreError>

    /** Writes a batch as the owner. */
    readonly commit: (commit: Commit) => Effect.Effect<void, CommitConflict | ViewStoreError>

    /**
     * Deletes a generation with all its records. A generation that answers the queries
     * is deleted only if another version of the view answers too, or with
     * `evenIfServing`. Otherwise the store refuses it with the reason `Rejected`. Who
     * drops owns all parts of the generation, and gives the epoch of the one with index 0.
     */
    readonly drop: (drop: Drop) => Effect.Effect<void, CommitConflict | ViewStoreError>

    /** Reads the dead letters of a generation, by position and key, or counts them. The more there are, the longer counting takes. */
    readonly deadLetters: {
      (generation: Generation, options?: DeadLetterOptions): Effect.Effect<ReadonlyArray<DeadLetter>, ViewStoreError>
      (generation: Generation, what: "count"): Effect.Effect<DeadLetterCounts, ViewStoreError>
    }
  }
>()("@hexfold/core/ProjectionStore") {}

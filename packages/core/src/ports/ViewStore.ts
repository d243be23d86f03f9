/** The port to the records of views, and what adapters have to promise: see {@link ViewStore}. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../domain/errors.ts"
import type * as Query from "../domain/query/data.ts"
import type { CommitConflict, ViewStoreError } from "./errors.ts"

/** The records that one version of a view's definition makes. */
export interface Generation {
  /** The view's name. */
  readonly view: string
  readonly version: number
  /**
   * Which of several builds of the version, from 1 on. If not given: the one
   * that serves, or else the first that no later one has replaced.
   */
  readonly build?: number
}

/** The records whose keys fall to one of several parts, into which the keys of a generation are divided. */
export interface Part {
  /** From 0 on. */
  readonly index: number
  readonly of: number
}

/** Asks to be the one that writes a generation, or a part of it. */
export interface Claim {
  readonly generation: Generation
  /** The whole generation if not given. */
  readonly part?: Part
  /** Names the projection that asks: no other may have the same. */
  readonly owner: string
  /** How long the ownership lasts unless it is renewed; one of no time ends it. */
  readonly lease: Duration.Duration
  /** The fields by which records are looked for, for a generation that is new. */
  readonly indexes?: ReadonlyArray<ReadonlyArray<Query.Path>>
  /** The position that a generation begins behind which is new; 0 if not given. */
  readonly after?: number
  /** Whether appends may maintain the generation; if not given, those that do cease to. */
  readonly inline?: boolean
}

/** The answer to a claim. */
export type Claimed =
  | {
      readonly _tag: "Owned"
      readonly build: number
      /** Grows with every change of the owner, also where a generation is dropped and begun again. */
      readonly epoch: number
      /** The position up to which events are in the records. */
      readonly position: number
      /** Whether appends maintain the generation, so that there is nothing to commit. */
      readonly inline: boolean
    }
  | { readonly _tag: "Held"; readonly by: string }
  /** The keys are divided into another number of parts, which do not stand at one position yet. */
  | { readonly _tag: "Divided"; readonly positions: ReadonlyArray<number> }

/** An event that could not be applied, or not yet. */
export interface Unapplied {
  readonly position: number
  readonly stream: string
  /** The event's place in its stream. */
  readonly streamVersion: number
  readonly type: string
  /** What went wrong, and where; nothing with an event that only waits behind one of the same key. */
  readonly error?: { readonly step: string; readonly cause: string }
  /** When the projection met it, by the projection's clock. */
  readonly at: DateTime.Utc
}

/** An event that was not applied to a record while the projection went on. */
export interface DeadLetter extends Unapplied {
  /** The key of the record; empty if the event's keys are not known. */
  readonly key: string
  /** Whether it waits to be applied; else it was skipped. */
  readonly parked: boolean
}

/** Which dead letters to read, by position and key. */
export interface DeadLetterOptions {
  /** Those behind this one. */
  readonly after?: Pick<DeadLetter, "position" | "key">
  readonly key?: string
  readonly parked?: boolean
  readonly limit?: number
}

/** How fast a projection works, per second. */
export interface Speed {
  /** Events that were applied, */
  readonly events: number
  /** and positions that were passed, be there events for the view or not. */
  readonly positions: number
}

/** A batch of a projection. */
export interface Commit {
  readonly generation: Generation
  /** The part's index; 0 if not given. */
  readonly part?: number
  /** What the claim gave. */
  readonly epoch: number
  /** The position where the generation, or its part, stands, */
  readonly from: number
  /** and the one that it reaches. */
  readonly to: number
  /** The states of the records that changed, as JSON. */
  readonly put: ReadonlyArray<Query.Row<Schema.Json>>
  /** The keys of the records that are gone. */
  readonly remove: ReadonlyArray<string>
  /** Letters that are new or changed, and those that go: they must be there. */
  readonly deadLetters?: {
    readonly put: ReadonlyArray<DeadLetter>
    readonly remove: ReadonlyArray<Pick<DeadLetter, "position" | "key">>
  }
  /** The event that stopped the projection; a commit without it that goes beyond `from` says that it goes on. */
  readonly failure?: Unapplied
  readonly speed?: Speed
  /**
   * From now on this generation answers the queries to its view, unless a later
   * one does already, or one of its parts is behind the one that does.
   */
  readonly serve?: boolean
  /**
   * From now on appends maintain the generation, if they can: it has one part,
   * nothing is parked, and every event up to here can be applied. Else, with
   * `serve`, they cease to maintain an earlier one that serves.
   * Refused by a store whose appends do not know the view.
   */
  readonly inline?: boolean
  /** Removes the generation with all its records; refused for the one that serves. */
  readonly drop?: boolean
}

/** Records by key. */
export interface Loaded {
  /** The states of those that exist. */
  readonly states: ReadonlyMap<string, Schema.Json>
  /** Those of the keys for which events are parked. */
  readonly parked: ReadonlySet<string>
  /**
   * Where each part of the generation stood at that moment; none where there is no generation. No event behind it is
   * in the records; where appends maintain them, one before it may be missing that was not committed yet.
   */
  readonly positions: ReadonlyArray<number>
}

/** Where a part of a generation stands. */
export interface PartStatus {
  readonly epoch: number
  readonly position: number
  /** Who writes it, if its lease has not ended. */
  readonly owner: string | undefined
  /** The event that stopped it. */
  readonly failure: Unapplied | undefined
  /** As its owner last said. */
  readonly speed: Speed | undefined
}

/** Where a generation stands. */
export interface Status extends Generation {
  readonly build: number
  /** The position that all its parts have reached. */
  readonly position: number
  readonly parts: ReadonlyArray<PartStatus>
  /** Whether it answers the queries to its view. */
  readonly serves: boolean
  /** Whether a later build of the same version has replaced it. */
  readonly replaced: boolean
  /** Whether appends maintain it: then all committed events are in its records. */
  readonly inline: boolean
}

/** What the dead letters of a generation tell. */
export interface DeadLetterCounts {
  /** How many keys are parked, */
  readonly parked: number
  /** and how many dead letters tell of something skipped. */
  readonly skipped: number
}

/**
 * The port to the records of views.
 *
 * 1. A commit is atomic: all its records and dead letters and the position, or
 *    nothing.
 * 2. A commit is fenced: with another epoch or from another position than the
 *    store's it fails with `CommitConflict` and changes nothing. Of two that begin at
 *    the same position and go beyond it one succeeds. So it is fenced if it
 *    removes a dead letter that is not there, or leaves an event to wait for a key
 *    that is not parked: see `CommitCheck.waitingKeys`.
 * 3. A generation, or each of its parts, has at most one owner. A lease that
 *    ended, by the store's clock, frees it; whoever claims it then gets a higher
 *    epoch. The owner who claims again renews its lease and keeps the epoch.
 * 4. The first generation of a view serves at once, a later version or build
 *    from the commit that says so and is not behind; an earlier one does not come
 *    back. Generations do not see each other's records. Who writes a build that
 *    was replaced by a later one of its version is fenced.
 * 5. A query answers as `Query.run` does over the records that serve.
 * 6. Records that are loaded or asked for together come from one moment, and so
 *    do the positions that come with them.
 * 7. A generation is divided anew only while nobody owns a part of it and all
 *    parts stand at one position, where the new ones begin in a higher epoch.
 * 8. A generation that appends maintain has every committed event in its
 *    records, and applied it once. If an append cannot, that ends at the position
 *    behind which nothing is applied.
 */
export class ViewStore extends Context.Service<
  ViewStore,
  {
    readonly claim: (claim: Claim) => Effect.Effect<Claimed, ViewStoreError>

    readonly commit: (commit: Commit) => Effect.Effect<void, CommitConflict | ViewStoreError>

    /** Records by key: of the generation that serves, if no version is named. */
    readonly load: (
      generation: Generation | Omit<Generation, "version" | "build">,
      keys: ReadonlyArray<string>
    ) => Effect.Effect<Loaded, ViewStoreError>

    /** Answers a query from the generation that serves: nothing, where there is none. */
    readonly query: {
      (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | ViewStoreError>
      (query: Query.Count): Effect.Effect<number, ViewStoreError>
    }

    /** The dead letters of a generation, by position and key. */
    readonly deadLetters: (
      generation: Generation,
      options?: DeadLetterOptions
    ) => Effect.Effect<ReadonlyArray<DeadLetter>, ViewStoreError>

    /** Counts the dead letters of a generation, which takes the longer the more there are. */
    readonly deadLetterCounts: (generation: Generation) => Effect.Effect<DeadLetterCounts, ViewStoreError>

    /** All generations, by view, version and build. It is asked for often, and has to be quick. */
    readonly status: Effect.Effect<ReadonlyArray<Status>, ViewStoreError>
  }
>()("@hexfold/core/ViewStore") {}

/** The generations of views, and functions that find and compare them. */
import type * as Duration from "effect/Duration"
import type { Unapplied } from "./deadLetter.ts"

/**
 * The records that one version of a view's definition makes.
 *
 * What was done for an event is not done again for the next version. So the generation of a reactor is that of all its
 * versions, whichever version is named. It has a name with a kind, such as `reactor/SendMail`, one build, and is not inline.
 */
export interface Generation {
  /** The view's name. */
  readonly view: string
  /** The version of the view's definition. */
  readonly version: number
  /**
   * Which of several builds of the version, counted from 1. By default it is
   * the build that answers the queries to the version. If none does, it is the
   * first one that no later build has replaced.
   */
  readonly build?: number
}

/** One of several parts into which the keys of a generation are divided. */
export interface Part {
  /** The number of this part, counted from 0. */
  readonly index: number
  /** The number of parts. */
  readonly of: number
}

/** How fast a projection works, per second of work. */
export interface Throughput {
  /** The number of events that are applied. */
  readonly events: number
  /** The number of positions that are passed, whether or not the view follows their events. */
  readonly positions: number
}

/** The state of one part of a generation. */
export interface PartStatus {
  /** The number that the last claim of the part was given. */
  readonly epoch: number
  /** The position up to which events are in the records of the part. */
  readonly position: number
  /** The history of the log in which the position was reached; undefined if no commit has said it. */
  readonly history?: number | undefined
  /** The projection that owns the part, if its lease has not ended. */
  readonly owner: string | undefined
  /** For how long nobody has owned the part, by the store's clock. Undefined if a projection owns it, or none ever has. */
  readonly unownedFor: Duration.Duration | undefined
  /** The event that stopped the part. */
  readonly failure: Unapplied | undefined
  /** The throughput that the owner reported last. */
  readonly throughput: Throughput | undefined
}

/** The state of a generation. */
export interface Status extends Generation {
  readonly build: number
  /** The position that all parts have reached. */
  readonly position: number
  /** The state of each part. There is one part unless the keys are divided. */
  readonly parts: ReadonlyArray<PartStatus>
  /** Whether the generation answers the queries to its version of the view. It does not if the version was left: see `ViewStore`. */
  readonly serves: boolean
  /** Whether a later build of the same version has replaced this one. */
  readonly replaced: boolean
  /** Whether appends maintain the generation. If so, every committed event is in its records. */
  readonly inline: boolean
  /**
   * A number that grows with every commit that puts or removes a record. While appends maintain the generation it grows
   * with the events that may touch its records, at the latest when the horizon reaches them. So as long as it stays the
   * same, the records are the same. It is only to be compared with an earlier answer of the same store, in the same
   * history of the log, and with the same `inline`.
   */
  readonly changes: number
  /** The fingerprint of the definition that has made the records. Undefined if no claim has said it. */
  readonly fingerprint?: string | undefined
  /**
   * The time since the last append of a process that does not know the definition, to a
   * generation that appends have maintained before. Undefined if appends maintain it, or
   * if no such append is known.
   */
  readonly sinceForeignAppend?: Duration.Duration | undefined
}

/** The place of a generation among those of its view. */
export interface Build {
  readonly version: number
  readonly build: number
}

/** A version of a view, as a definition names it. */
export interface Version {
  readonly name: string
  readonly version: number
}

/** Whether all versions share one generation: see {@link Generation}. */
export const isShared = (view: string): boolean => view.includes("/")

/** The build that answers the queries to a version of a view. */
export const servingOf = (view: Version, all: ReadonlyArray<Status>): Status | undefined =>
  buildsOf(view, all).find(({ serves }) => serves)

/** All builds of one version of a view. */
export const buildsOf = ({ name, version }: Version, all: ReadonlyArray<Status>): ReadonlyArray<Status> =>
  all.filter((each) => each.view === name && (each.version === version || isShared(name)))

/** The generation that the projections of one version of a view work on. */
export const currentOf = (view: Version, all: ReadonlyArray<Status>): Status | undefined => {
  const builds = buildsOf(view, all)
  return builds.find(({ serves }) => serves) ?? builds.find(({ replaced }) => !replaced)
}

/** Whether another definition than the given one has made the records of a generation. */
export const isOfAnother = ({ fingerprint }: { readonly fingerprint: string }, known: Status | undefined): boolean =>
  known?.fingerprint !== undefined && known.fingerprint !== fingerprint

/** Only the place of a generation. */
export const placeOf = ({ build, version }: Build): Build => ({ version, build })

/** Whether two generations of one view are the same. */
export const isSame = (a: Build, b: Build): boolean => a.version === b.version && a.build === b.build

/** Whether the first of two generations of one view comes after the second. */
export const isLater = (a: Build, b: Build): boolean =>
  a.version > b.version || (a.version === b.version && a.build > b.build)

/** Whether a generation is an unfinished build that no projection works on. */
export const isNobodys = ({ parts, replaced, serves }: Status): boolean =>
  !serves && !replaced && parts.every(({ owner }) => owner === undefined)

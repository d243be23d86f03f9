import { NotServing, type ProjectionStore, type ViewStore } from "@hexfold/core"
import { CommitCheck, StoreKey } from "@hexfold/core/adapter"
import { Duration, type Schema } from "effect"

/** One part of a generation's keys. */
export interface Part {
  epoch: number
  position: number
  /** The history of the log in which the position was reached. */
  history: number | undefined
  owner: string
  /** The end of the lease in milliseconds, by the program's clock; {@link never} if no projection has owned the part. */
  leasedUntil: number
  failure: ProjectionStore.Unapplied | undefined
  throughput: ViewStore.Throughput | undefined
}

/** The records of one build of a version. */
export interface Stored {
  /** It changes only where a generation goes through all versions of a definition. */
  version: number
  readonly build: number
  readonly records: Map<string, Schema.Json>
  readonly deadLetters: Map<string, ProjectionStore.DeadLetter>
  /** The number of parked events for each parked key. */
  readonly parked: Map<string, number>
  parts: Array<Part>
  serves: boolean
  replaced: boolean
  /** The fingerprint of the definition that makes the records, once a claim has said it. */
  fingerprint: string | undefined
  /** The events that appends apply to the records. While they do, the part keeps the position at which they began. */
  inline: Follows | undefined
  /** Grows with every step that changes a record. */
  changes: number
  /** What appends maintained before one of a process that does not know the definition, and when the last such append came. */
  foreign: { readonly follows: Follows; at: number } | undefined
}

/** The events that a view follows. */
export interface Follows {
  readonly aggregates: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
  /** All types that the definition knows. An append of another one is of a program that knows more. */
  readonly known: ReadonlyArray<string>
}

/** A generation that appends maintain. */
export interface Inline {
  readonly view: string
  readonly stored: Stored
  readonly follows: Follows
}

/** The generations of all views. Each function that reads or changes them is one synchronous step. */
export interface Generations {
  readonly views: Map<string, Array<Stored>>
  /** The last position of the log. */
  readonly last: () => number
  /** The present history of the log; undefined for a store of views that has no log. */
  readonly history: () => number | undefined
  /**
   * A new epoch. No epoch is given twice: a late commit to a generation that was
   * dropped must not reach a new one with the same name.
   */
  readonly nextEpoch: () => number
  /**
   * The number at which the changes of a new generation begin. No two begin with the same number. So a generation that
   * was dropped and made again is not taken for the former one.
   */
  readonly firstChange: () => number
}

const changesPerGeneration = 2 ** 32

/** What a store needs to tell whether a version was left: the present time, and its limit. Both are milliseconds. */
export interface Moment {
  readonly now: number
  readonly leftAfter: number
}

/** Opens a store of generations that has none yet. */
export const open = (
  { history, last }: Pick<Generations, "history" | "last"> = { history: () => undefined, last: () => 0 }
): Generations => {
  let epochs = 0
  let created = 0
  return {
    views: new Map(),
    last,
    history,
    nextEpoch: () => ++epochs,
    firstChange: () => ++created * changesPerGeneration
  }
}

/** The generation with this version and build. Without a build it is the present one of the version. */
export const find = ({ views }: Generations, { build, version, view }: ViewStore.Generation): Stored | undefined => {
  const builds = (views.get(view) ?? []).filter((each) => each.version === version || CommitCheck.isShared(view))
  if (build !== undefined) return builds.find((each) => each.build === build)
  return builds.find(({ serves }) => serves) ?? builds.find(({ replaced }) => !replaced)
}

/** The build that serves a version of a view. */
export const serving = ({ views }: Generations, view: string, version: number): Stored | undefined =>
  views.get(view)?.find((each) => each.version === version && each.serves)

/**
 * Whether a generation's version was left: a part of it has had no owner for so long, a part of another version has had
 * one after that, and the part has not reached the last position. A part that was never owned tells nothing.
 */
export const isLeft = (
  { last, views }: Generations,
  view: string,
  { inline, parts, version }: Stored,
  { leftAfter, now }: Moment
): boolean => {
  if (inline !== undefined) return false
  const others = views.get(view)!.filter((each) => each.version !== version)
  return parts.some(
    ({ leasedUntil, position }) =>
      leasedUntil > never &&
      leasedUntil + leftAfter < now &&
      position < last() &&
      others.some((other) => other.parts.some((part) => part.leasedUntil > leasedUntil))
  )
}

/** Why nothing answers for a version of a view; undefined if a generation does. */
export const notServing = (
  generations: Generations,
  { version, view }: ViewStore.Version,
  moment: Moment
): NotServing | undefined => {
  const stored = find(generations, { view, version })
  if (stored === undefined) return new NotServing({ view, version, reason: "unbuilt" })
  if (stored.serves && !isLeft(generations, view, stored, moment)) return undefined
  const position = positionOf(generations, stored)
  const lag = generations.last() - position
  const reason = stored.serves ? "left" : "building"
  return new NotServing({ view, version, reason, position, ...(lag > 0 ? { lag } : {}) })
}

/** The states of those of the keys that have a record. */
export const statesOf = ({ records }: Stored, keys: ReadonlyArray<string>): ReadonlyMap<string, Schema.Json> => {
  const states = new Map<string, Schema.Json>()
  for (const key of keys) {
    const state = records.get(key)
    if (state !== undefined) states.set(key, state)
  }
  return states
}

/** Creates a generation whose first event is the one after a position. */
export const create = (
  { firstChange, views }: Generations,
  { build, version, view }: ViewStore.Generation,
  after: number
): Stored => {
  const all = views.get(view) ?? []
  views.set(view, all)
  const created: Stored = {
    version,
    build: build ?? 1 + Math.max(0, ...all.filter((each) => each.version === version).map((each) => each.build)),
    records: new Map(),
    deadLetters: new Map(),
    parked: new Map(),
    parts: [newPart(0, after)],
    serves: false,
    replaced: false,
    inline: undefined,
    changes: firstChange(),
    fingerprint: undefined,
    foreign: undefined
  }
  all.push(created)
  all.sort(inOrder)
  return created
}

/** Writes records. */
export const write = (stored: Stored, { put, remove }: ProjectionStore.Changes): void => {
  if (put.length + remove.length > 0) stored.changes++
  for (const { key, state } of put) stored.records.set(key, state)
  for (const key of remove) stored.records.delete(key)
}

/** Removes a generation. */
export const remove = ({ views }: Generations, view: string, dropped: Stored): void => {
  const left = views.get(view)!.filter((each) => each !== dropped)
  views.set(view, left)
}

/** The generations that a foreign append has left to their projections. */
export const foreignOf = ({ views }: Generations): ReadonlyArray<Inline> =>
  Array.from(views).flatMap(([view, all]) =>
    all.flatMap((stored) =>
      stored.foreign === undefined || stored.inline !== undefined
        ? []
        : [{ view, stored, follows: stored.foreign.follows }]
    )
  )

/** The generations that appends maintain. */
export const inlineOf = ({ views }: Generations): ReadonlyArray<Inline> =>
  Array.from(views).flatMap(([view, all]) =>
    all.flatMap((stored) => (stored.inline === undefined ? [] : [{ view, stored, follows: stored.inline }]))
  )

/** Ends the maintenance by appends. All events up to a position are applied then, and none after it. */
export const demote = ({ history, last }: Generations, stored: Stored, position = last()): void => {
  if (stored.inline === undefined) return
  stored.inline = undefined
  for (const part of stored.parts) {
    part.position = position
    part.history = history()
  }
}

/** The position of each part. */
export const positionsOf = ({ last }: Generations, { inline, parts }: Stored): ReadonlyArray<number> =>
  parts.map(({ position }) => (inline === undefined ? position : last()))

/** The position that all parts have reached. */
export const positionOf = (generations: Generations, stored: Stored): number =>
  Math.min(...positionsOf(generations, stored))

/** The state of all generations. */
export const statusOf = (generations: Generations, moment: Moment): ReadonlyArray<ViewStore.Status> =>
  [...generations.views.keys()].sort().flatMap((view) =>
    generations.views.get(view)!.map((stored) => ({
      view,
      version: stored.version,
      build: stored.build,
      position: positionOf(generations, stored),
      parts: stored.parts.map(({ epoch, failure, history, leasedUntil, owner, throughput }, i) => ({
        epoch,
        position: positionsOf(generations, stored)[i]!,
        ...(history === undefined || stored.inline !== undefined ? {} : { history }),
        owner: leasedUntil > moment.now ? owner : undefined,
        unownedFor:
          leasedUntil > moment.now || leasedUntil === never ? undefined : Duration.millis(moment.now - leasedUntil),
        failure,
        throughput
      })),
      serves: stored.serves && !isLeft(generations, view, stored, moment),
      replaced: stored.replaced,
      inline: stored.inline !== undefined,
      changes: stored.changes,
      ...(stored.fingerprint === undefined ? {} : { fingerprint: stored.fingerprint }),
      ...(stored.foreign === undefined || stored.inline !== undefined
        ? {}
        : { sinceForeignAppend: Duration.millis(Math.max(0, moment.now - stored.foreign.at)) })
    }))
  )

/** Whether a consumer may repeat a command whose id it has derived: its event is not done, or waits as a dead letter. */
export const isNeeded = (generations: Generations, commandId: string): boolean => {
  const derived = StoreKey.derivedFrom(commandId)
  const [stored] = (derived && generations.views.get(derived.consumer)) ?? []
  if (derived === undefined || stored === undefined) return false
  const { position } = derived
  return (
    positionOf(generations, stored) < position ||
    [...stored.deadLetters.values()].some((letter) => letter.parked && letter.position === position)
  )
}

/** The end of the lease of a part that no projection has owned. A clock of a test begins at 0. */
export const never = -Infinity

/** A part that no projection owns. */
export const newPart = (epoch: number, position: number, history?: number): Part => ({
  epoch,
  position,
  history,
  owner: "",
  leasedUntil: never,
  failure: undefined,
  throughput: undefined
})

/** Orders the generations of one view: the later one comes last. */
export const inOrder = (a: Stored, b: Stored): number => a.version - b.version || a.build - b.build

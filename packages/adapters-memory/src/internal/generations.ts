import { CommitConflict, Reason, type ViewStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck, QueryEvaluation } from "@hexfold/core/adapter"
import { Duration, Result, type Schema } from "effect"

interface Part {
  epoch: number
  position: number
  owner: string
  /** In milliseconds, by the program's clock. */
  leasedUntil: number
  failure: ViewStore.Unapplied | undefined
  speed: ViewStore.Speed | undefined
}

/** The records of one build of a version. */
export interface Stored {
  readonly version: number
  readonly build: number
  readonly records: Map<string, Schema.Json>
  readonly deadLetters: Map<string, ViewStore.DeadLetter>
  /** How many events are parked for a key. */
  readonly parked: Map<string, number>
  parts: Array<Part>
  serves: boolean
  replaced: boolean
  /** Which events appends apply to it; its part stands where they began. */
  inline: Follows | undefined
}

/** The events that a view follows. */
export interface Follows {
  readonly aggregates: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
}

/** Whether a process's appends know a view, and how they begin to maintain its records if they can. */
export interface Maintaining {
  readonly knows: (generation: ViewStore.Generation) => boolean
  readonly promote: (view: string, stored: Stored) => void
}

/** The generations of all views; every function is one synchronous step. `last` is the last position of the log. */
export const open = (last: () => number = () => 0) => {
  const views = new Map<string, Array<Stored>>()
  // None is given twice: a late commit to a generation that was dropped must not meet the next of its name.
  let epochs = 0

  const find = ({ build, version, view }: ViewStore.Generation): Stored | undefined => {
    const builds = (views.get(view) ?? []).filter((each) => each.version === version)
    if (build !== undefined) return builds.find((each) => each.build === build)
    return builds.find(({ serves }) => serves) ?? builds.find(({ replaced }) => !replaced)
  }

  const serving = (view: string): Stored | undefined => views.get(view)?.find(({ serves }) => serves)

  const create = ({ build, version, view }: ViewStore.Generation, after: number): Stored => {
    const all = views.get(view) ?? []
    views.set(view, all)
    const created: Stored = {
      version,
      build: build ?? 1 + Math.max(0, ...all.filter((each) => each.version === version).map((each) => each.build)),
      records: new Map(),
      deadLetters: new Map(),
      parked: new Map(),
      parts: [newPart(0, after)],
      serves: all.length === 0,
      replaced: false,
      inline: undefined
    }
    all.push(created)
    all.sort(inOrder)
    return created
  }

  const claim = (claim: ViewStore.Claim, now: number): Result.Result<ViewStore.Claimed, ViewStoreError> => {
    const refused = CommitCheck.checkClaim(claim)
    if (refused !== undefined) return Result.fail(refused)
    const { after = 0, generation, lease, owner, part: { index, of } = whole } = claim
    const stored = find(generation) ?? create(generation, after)
    if (stored.parts.length !== of) {
      const held = stored.parts.find((part) => part.leasedUntil > now && part.owner !== owner)
      if (held !== undefined) return Result.succeed({ _tag: "Held", by: held.owner })
      demote(stored, last())
      const positions = stored.parts.map(({ position }) => position)
      if (new Set(positions).size > 1) return Result.succeed({ _tag: "Divided", positions })
      // Higher at once: a commit of whoever owned a part before must not meet a new one.
      stored.parts = Array.from({ length: of }, () => newPart(++epochs, positions[0]!))
    }
    const part = stored.parts[index]!
    if (part.leasedUntil > now && part.owner !== owner) return Result.succeed({ _tag: "Held", by: part.owner })
    if (part.owner !== owner || part.leasedUntil <= now) part.epoch = ++epochs
    part.owner = owner
    part.leasedUntil = now + Duration.toMillis(lease)
    if (claim.inline !== true) demote(stored, last())
    const { build, inline } = stored
    return Result.succeed({
      _tag: "Owned",
      build,
      epoch: part.epoch,
      position: positionsOf(stored)[index]!,
      inline: inline !== undefined
    })
  }

  const commit = (
    given: ViewStore.Commit,
    maintaining?: Maintaining
  ): Result.Result<void, CommitConflict | ViewStoreError> => {
    const commit = CommitCheck.check(given)
    if ("_tag" in commit) return Result.fail(commit)
    const { epoch, from, generation, to } = commit
    const { version, view } = generation
    const stored = find(generation)
    const part = stored?.parts[commit.part ?? 0]
    // What appends maintain stands at the last position, but takes no commit all the same.
    const isOurs = stored?.inline === undefined && part?.epoch === epoch && part.position === from
    if (stored === undefined || part === undefined || !isOurs || isOvertaken(stored, commit)) {
      const { epoch: actual = 0, position = 0 } = part ?? {}
      const expected = { epoch, position: from }
      return Result.fail(new CommitConflict({ view, version, expected, actual: { epoch: actual, position } }))
    }
    if (commit.inline === true && maintaining?.knows(generation) !== true) {
      return Result.fail(rejected(view, "no append of this store maintains the view"))
    }
    if (commit.drop === true) {
      if (stored.serves) return Result.fail(rejected(view, "a generation that serves is not dropped"))
      views.set(
        view,
        views.get(view)!.filter((each) => each !== stored)
      )
      return Result.succeed(undefined)
    }
    for (const { key, state } of commit.put) stored.records.set(key, state)
    for (const key of commit.remove) stored.records.delete(key)
    for (const letter of commit.deadLetters?.put ?? []) keep(stored, letter)
    for (const letter of commit.deadLetters?.remove ?? []) forget(stored, letter)
    part.position = to
    part.failure = commit.failure ?? (to === from ? part.failure : undefined)
    part.speed = commit.speed ?? part.speed
    if (commit.inline === true) maintaining?.promote(view, stored)
    if (commit.serve === true) {
      // Appends that cannot maintain it cease to maintain what it is to replace: it could not catch up with that.
      const current = serving(view)
      const isLater = current !== undefined && inOrder(stored, current) > 0
      if (commit.inline === true && stored.inline === undefined && isLater) demote(current, last())
      serve(view, stored)
    }
    return Result.succeed(undefined)
  }

  const serve = (view: string, next: Stored): void => {
    const current = serving(view)
    if (current === undefined || inOrder(next, current) <= 0 || positionOf(next) < positionOf(current)) return
    current.serves = false
    next.serves = true
    for (const earlier of views.get(view)!) {
      if (earlier.version !== next.version || earlier.build >= next.build) continue
      demote(earlier, last())
      earlier.replaced = true
      for (const part of earlier.parts) {
        part.epoch = ++epochs
        part.leasedUntil = 0
      }
    }
  }

  const deadLetters = (
    generation: ViewStore.Generation,
    { after, key, limit, parked }: ViewStore.DeadLetterOptions = {}
  ): ReadonlyArray<ViewStore.DeadLetter> =>
    [...(find(generation)?.deadLetters.values() ?? [])]
      .filter((letter) => key === undefined || letter.key === key)
      .filter((letter) => parked === undefined || letter.parked === parked)
      .filter((letter) => after === undefined || byPlace(letter, after) > 0)
      .sort(byPlace)
      .slice(0, limit)

  const deadLetterCounts = (generation: ViewStore.Generation): ViewStore.DeadLetterCounts => ({
    parked: find(generation)?.parked.size ?? 0,
    skipped: deadLetters(generation, { parked: false }).length
  })

  const status = (now: number): ReadonlyArray<ViewStore.Status> =>
    [...views.keys()].sort().flatMap((view) =>
      views.get(view)!.map((stored) => ({
        view,
        version: stored.version,
        build: stored.build,
        position: positionOf(stored),
        parts: stored.parts.map(({ epoch, failure, leasedUntil, owner, speed }, i) => ({
          epoch,
          position: positionsOf(stored)[i]!,
          owner: leasedUntil > now ? owner : undefined,
          failure,
          speed
        })),
        serves: stored.serves,
        replaced: stored.replaced,
        inline: stored.inline !== undefined
      }))
    )

  /** The generations that appends maintain. */
  const inline = (): ReadonlyArray<Inline> =>
    Array.from(views).flatMap(([view, all]) =>
      all.flatMap((stored) => (stored.inline === undefined ? [] : [{ view, stored, follows: stored.inline }]))
    )

  const positionsOf = ({ inline, parts }: Stored): ReadonlyArray<number> =>
    parts.map(({ position }) => (inline === undefined ? position : last()))

  const positionOf = (stored: Stored): number => Math.min(...positionsOf(stored))

  return { claim, commit, find, serving, deadLetters, deadLetterCounts, status, inline, positionsOf }
}

/** A generation that appends maintain. */
export interface Inline {
  readonly view: string
  readonly stored: Stored
  readonly follows: Follows
}

/** Appends do not maintain a generation any more: everything up to a position is applied, and nothing behind it. */
export const demote = (stored: Stored, position: number): void => {
  if (stored.inline === undefined) return
  stored.inline = undefined
  for (const part of stored.parts) part.position = position
}

const whole: ViewStore.Part = { index: 0, of: 1 }

const newPart = (epoch: number, position: number): Part => ({
  epoch,
  position,
  owner: "",
  leasedUntil: 0,
  failure: undefined,
  speed: undefined
})

const inOrder = (a: Stored, b: Stored): number => a.version - b.version || a.build - b.build

const placeOf = ({ key, position }: Pick<ViewStore.DeadLetter, "key" | "position">): string => `${position} ${key}`

const keep = (stored: Stored, letter: ViewStore.DeadLetter): void => {
  forget(stored, letter)
  stored.deadLetters.set(placeOf(letter), letter)
  if (letter.parked) stored.parked.set(letter.key, (stored.parked.get(letter.key) ?? 0) + 1)
}

const forget = (stored: Stored, place: Pick<ViewStore.DeadLetter, "key" | "position">): void => {
  const letter = stored.deadLetters.get(placeOf(place))
  if (letter === undefined) return
  stored.deadLetters.delete(placeOf(place))
  if (!letter.parked) return
  const left = stored.parked.get(letter.key)! - 1
  if (left === 0) stored.parked.delete(letter.key)
  else stored.parked.set(letter.key, left)
}

/** Whether the dead letters have become others than the commit goes by. */
const isOvertaken = ({ deadLetters: stored, parked }: Stored, { deadLetters }: ViewStore.Commit): boolean =>
  (deadLetters?.remove ?? []).some((place) => !stored.has(placeOf(place))) ||
  [...CommitCheck.waitingKeys(deadLetters)].some((key) => !parked.has(key))

const byPlace = (
  a: Pick<ViewStore.DeadLetter, "key" | "position">,
  b: Pick<ViewStore.DeadLetter, "key" | "position">
): number => a.position - b.position || QueryEvaluation.compareTexts(a.key, b.key)

const rejected = (view: string, detail: string) =>
  new ViewStoreError({ operation: "commit", view, reason: new Reason.Rejected({ detail }) })

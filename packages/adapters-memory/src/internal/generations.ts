import { CommitCheck, EventStoreError, Fenced, Query, type ViewStore, ViewStoreError } from "@hexfold/core"
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
  readonly letters: Map<string, ViewStore.Letter>
  /** How many events are parked for a key. */
  readonly parked: Map<string, number>
  parts: Array<Part>
  serves: boolean
  replaced: boolean
}

/** The generations of all views; every function is one synchronous step. */
export const open = () => {
  const views = new Map<string, Array<Stored>>()

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
      letters: new Map(),
      parked: new Map(),
      parts: [newPart(0, after)],
      serves: all.length === 0,
      replaced: false
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
      const positions = stored.parts.map(({ position }) => position)
      if (new Set(positions).size > 1) return Result.succeed({ _tag: "Divided", positions })
      // Higher at once: a commit of whoever owned a part before must not meet a new one.
      const epoch = Math.max(...stored.parts.map(({ epoch }) => epoch)) + 1
      stored.parts = Array.from({ length: of }, () => newPart(epoch, positions[0]!))
    }
    const part = stored.parts[index]!
    if (part.leasedUntil > now && part.owner !== owner) return Result.succeed({ _tag: "Held", by: part.owner })
    if (part.owner !== owner || part.leasedUntil <= now) part.epoch++
    part.owner = owner
    part.leasedUntil = now + Duration.toMillis(lease)
    const { epoch, position } = part
    return Result.succeed({ _tag: "Owned", build: stored.build, epoch, position, inline: false })
  }

  const commit = (given: ViewStore.Commit): Result.Result<void, Fenced | ViewStoreError> => {
    const commit = CommitCheck.check(given)
    if ("_tag" in commit) return Result.fail(commit)
    const { epoch, from, generation, to } = commit
    const { version, view } = generation
    const stored = find(generation)
    const part = stored?.parts[commit.part ?? 0]
    if (stored === undefined || part?.epoch !== epoch || part.position !== from || isOvertaken(stored, commit)) {
      const { epoch: actual = 0, position = 0 } = part ?? {}
      const expected = { epoch, position: from }
      return Result.fail(new Fenced({ view, version, expected, actual: { epoch: actual, position } }))
    }
    if (commit.inline === true) return Result.fail(rejected(view, "no append of this store maintains views"))
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
    for (const letter of commit.letters?.put ?? []) keep(stored, letter)
    for (const letter of commit.letters?.remove ?? []) forget(stored, letter)
    part.position = to
    part.failure = commit.failure
    part.speed = commit.speed ?? part.speed
    if (commit.serve === true) serve(view, stored)
    return Result.succeed(undefined)
  }

  const serve = (view: string, next: Stored): void => {
    const current = serving(view)
    if (current === undefined || inOrder(next, current) <= 0 || positionOf(next) < positionOf(current)) return
    current.serves = false
    next.serves = true
    for (const earlier of views.get(view)!) {
      if (earlier.version !== next.version || earlier.build >= next.build) continue
      earlier.replaced = true
      for (const part of earlier.parts) {
        part.epoch++
        part.leasedUntil = 0
      }
    }
  }

  const letters = (
    generation: ViewStore.Generation,
    { after, key, limit, parked }: ViewStore.LetterOptions = {}
  ): ReadonlyArray<ViewStore.Letter> =>
    [...(find(generation)?.letters.values() ?? [])]
      .filter((letter) => key === undefined || letter.key === key)
      .filter((letter) => parked === undefined || letter.parked === parked)
      .filter((letter) => after === undefined || byPlace(letter, after) > 0)
      .sort(byPlace)
      .slice(0, limit)

  const status = (now: number): ReadonlyArray<ViewStore.Status> =>
    [...views.keys()].sort().flatMap((view) =>
      views.get(view)!.map((stored) => ({
        view,
        version: stored.version,
        build: stored.build,
        position: positionOf(stored),
        parts: stored.parts.map(({ epoch, failure, leasedUntil, owner, position, speed }) => ({
          epoch,
          position,
          owner: leasedUntil > now ? owner : undefined,
          failure,
          speed
        })),
        serves: stored.serves,
        replaced: stored.replaced,
        inline: false,
        parked: stored.parked.size,
        skipped: stored.letters.size - Array.from(stored.parked.values()).reduce((sum, n) => sum + n, 0)
      }))
    )

  return { claim, commit, find, serving, letters, status }
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

const positionOf = ({ parts }: Stored): number => Math.min(...parts.map(({ position }) => position))

const inOrder = (a: Stored, b: Stored): number => a.version - b.version || a.build - b.build

const placeOf = ({ key, position }: Pick<ViewStore.Letter, "key" | "position">): string => `${position} ${key}`

const keep = (stored: Stored, letter: ViewStore.Letter): void => {
  forget(stored, letter)
  stored.letters.set(placeOf(letter), letter)
  if (letter.parked) stored.parked.set(letter.key, (stored.parked.get(letter.key) ?? 0) + 1)
}

const forget = (stored: Stored, place: Pick<ViewStore.Letter, "key" | "position">): void => {
  const letter = stored.letters.get(placeOf(place))
  if (letter === undefined) return
  stored.letters.delete(placeOf(place))
  if (!letter.parked) return
  const left = stored.parked.get(letter.key)! - 1
  if (left === 0) stored.parked.delete(letter.key)
  else stored.parked.set(letter.key, left)
}

/** Whether the letters have become others than the commit goes by. */
const isOvertaken = ({ letters: stored, parked }: Stored, { letters }: ViewStore.Commit): boolean =>
  (letters?.remove ?? []).some((place) => !stored.has(placeOf(place))) ||
  [...CommitCheck.waitingKeys(letters)].some((key) => !parked.has(key))

const byPlace = (
  a: Pick<ViewStore.Letter, "key" | "position">,
  b: Pick<ViewStore.Letter, "key" | "position">
): number => a.position - b.position || Query.compareTexts(a.key, b.key)

const rejected = (view: string, detail: string) =>
  new ViewStoreError({ operation: "commit", view, reason: new EventStoreError.Rejected({ detail }) })

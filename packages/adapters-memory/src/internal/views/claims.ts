import type { ProjectionStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Duration, Result } from "effect"
import {
  create,
  demote,
  find,
  type Generations,
  isLeft,
  type Moment,
  newPart,
  type Part,
  positionsOf,
  type Stored
} from "./generations.ts"

/** Claims a part of a generation. */
export const claim = (
  generations: Generations,
  given: ProjectionStore.Claim,
  moment: Moment
): Result.Result<ProjectionStore.Claimed, ViewStoreError> => {
  const refused = CommitCheck.checkClaim(given)
  if (refused !== undefined) return Result.fail(refused)
  const { now } = moment
  const { after = 0, fingerprint, generation, lease, owner, part: { index, of } = whole } = given
  const stored = find(generations, generation) ?? create(generations, generation, after)
  if (stored.version > generation.version && Duration.isZero(lease)) {
    const own = stored.parts[index]
    if (own?.owner === owner) own.leasedUntil = Math.min(own.leasedUntil, now)
    return Result.succeed({ _tag: "Held", by: own?.owner ?? owner })
  }
  const holder = succeed(stored, given, now)
  if (holder !== undefined) return Result.succeed({ _tag: "Held", by: holder })
  if (fingerprint !== undefined && stored.fingerprint !== undefined && fingerprint !== stored.fingerprint) {
    return Result.succeed({ _tag: "Differs", fingerprint: stored.fingerprint })
  }
  const isHeld = (part: Part): boolean => part.leasedUntil > now && part.owner !== owner
  if (stored.parts.length !== of) {
    const held = stored.parts.find(isHeld)
    if (held !== undefined) return Result.succeed({ _tag: "Held", by: held.owner })
    const positions = divide(generations, stored, of)
    if (positions !== undefined) return Result.succeed({ _tag: "Divided", positions })
  }
  const part = stored.parts[index]!
  if (isHeld(part)) return Result.succeed({ _tag: "Held", by: part.owner })
  // From now on the part has an owner again. What it has not applied yet is still missing.
  if (stored.serves && isLeft(generations, generation.view, stored, moment)) stored.serves = false
  if (part.owner !== owner || part.leasedUntil <= now) part.epoch = generations.nextEpoch()
  else if (stored.inline === undefined) move(part, given.renews)
  part.owner = owner
  part.leasedUntil = now + Duration.toMillis(lease)
  // The definition with which appends have maintained it until now is not known.
  const isAdopted = fingerprint !== undefined && stored.fingerprint === undefined
  if (given.inline !== true || isAdopted) demote(generations, stored)
  stored.fingerprint ??= fingerprint
  return Result.succeed({
    _tag: "Owned",
    build: stored.build,
    epoch: part.epoch,
    position: positionsOf(generations, stored)[index]!,
    ...(part.history === undefined || stored.inline !== undefined ? {} : { history: part.history }),
    inline: stored.inline !== undefined
  })
}

// Gives the generation of all versions the version of the claim. Gives an owner if that is not to be yet.
const succeed = (
  stored: Stored,
  { fingerprint, generation: { version }, lease }: ProjectionStore.Claim,
  now: number
): string | undefined => {
  if (stored.version === version) return undefined
  const millis = Duration.toMillis(lease)
  const holder = stored.parts.find(({ leasedUntil }) => leasedUntil + millis > now)
  if (version < stored.version && holder !== undefined) return holder.owner
  stored.version = version
  stored.fingerprint = fingerprint
  return undefined
}

// Moves the position over what its owner has passed. A renewal of a former epoch, or of another position, moves nothing.
const move = (part: Part, renews: ProjectionStore.Renewal | undefined): void => {
  if (renews?.passed === undefined || renews.epoch !== part.epoch) return
  const { from, history, to } = renews.passed
  if (part.position !== from || to === from) return
  part.position = to
  part.history = history
  part.failure = undefined
}

// Divides the keys anew. Gives the positions of the present parts if these have not reached a common one.
const divide = (generations: Generations, stored: Stored, of: number): ReadonlyArray<number> | undefined => {
  demote(generations, stored)
  const positions = stored.parts.map(({ position }) => position)
  if (new Set(positions).size > 1) return positions
  // The earliest: what is valid of it is valid of the others.
  const known = stored.parts.flatMap(({ history }) => history ?? [])
  const history = known.length === 0 ? undefined : Math.min(...known)
  // Each part gets a new epoch at once, so that no late commit of a former owner reaches it.
  stored.parts = Array.from({ length: of }, () => newPart(generations.nextEpoch(), positions[0]!, history))
  return undefined
}

const whole: ProjectionStore.Part = { index: 0, of: 1 }

/** Lets a version of a reactor work whose keys may be others than those by which the events were divided into parts. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CommitConflict, EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import { currentOf, type Part } from "../../../ports/generation.ts"
import type { Claim, ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { horizonOf } from "../../events/positions.ts"
import * as Keys from "../../events/partedKeys.ts"
import { type BoundedStore, type Ownership, withLease } from "../../projections/worker/lease.ts"
import type { DefinitionDiffers } from "../../views/errors.ts"
import { KeysDiffer } from "../errors.ts"
import * as DoneAhead from "./ahead.ts"

/** What a worker needs to take a generation. */
interface Given {
  readonly consumer: Consumer
  readonly part: Part
  readonly claim: Claim
  readonly events: EventStore["Service"]
  readonly store: BoundedStore
  readonly records: ProjectionStore["Service"]
  readonly differs: (fingerprint: string) => Effect.Effect<never, DefinitionDiffers>
}

/**
 * Takes a generation for the keys of a version.
 *
 * Why no event is lost or handled twice. (1) A version works only if the record of the generation names its keys, or if
 * there is one part, whose position is that of all keys. (2) The record is changed by an owner of all parts at once, when
 * all of them have done everything up to one position and nothing after it. (3) Their leases have given all parts new
 * epochs, so no former owner writes any more. (4) A version that must not work claims nothing. So it does not keep the former
 * one from its work.
 */
export const make = ({ claim, consumer, differs, events, part, records, store }: Given) => {
  const { generation } = claim
  let wasRefused = false
  const differ = (former: number, positions: ReadonlyArray<number>) =>
    new KeysDiffer({ reactor: consumer.name, version: consumer.version, former, positions })

  /** Keeps the keys of this version. */
  const keep = ({ build, epoch, position }: Ownership, index: number) =>
    store.commit({
      owner: { generation: { ...generation, build }, part: index, epoch },
      from: position,
      to: position,
      records: Keys.changesOf(consumer)
    })

  /** The version whose parts have not come to one end; undefined if they have, or if their keys are the same. */
  const unlevelOf = Effect.gen(function* () {
    const loaded = yield* store.load(generation, [Keys.key, ...DoneAhead.keys])
    const former = Keys.formerOf(consumer, loaded)
    if (former === undefined || loaded.positions.length <= 1) return undefined
    const { upTo } = yield* DoneAhead.read(loaded, part, events, yield* horizonOf(events))
    const isLevel = Keys.areLevel(loaded.positions) && upTo <= loaded.positions[0]!
    return isLevel ? undefined : differ(former, loaded.positions)
  })

  /** Fails if this version cannot work yet. False if a version with other keys is at work, or if another part takes all. */
  const mayClaim: Effect.Effect<boolean, KeysDiffer | EventStoreError | ViewStoreError> = Effect.gen(function* () {
    // Only a former version with several parts and a key of its own could stand in the way: the claim tells that.
    if (part.of === 1 && consumer.keyedBy === "stream" && !wasRefused) return true
    const known = currentOf(consumer, yield* store.status)
    if (known === undefined || known.parts.length <= 1) return true
    const former = Keys.formerOf(consumer, yield* store.load(generation, [Keys.key]))
    if (former === undefined) return true
    const isOwned = known.parts.some(({ owner }) => owner !== undefined)
    if (isOwned && known.version > consumer.version) return false
    const unlevel = yield* unlevelOf
    if (unlevel !== undefined) return yield* unlevel
    return part.index === 0 && (known.version === consumer.version || !isOwned)
  })

  /** Whether the owner of a part may work: the events are divided by the keys of this version. */
  const mayWork = (owned: Ownership): Effect.Effect<boolean, CommitConflict | ViewStoreError> =>
    Effect.gen(function* () {
      if (part.of === 1) return true
      const loaded = yield* store.load(generation, [Keys.key])
      if (Keys.formerOf(consumer, loaded) !== undefined) return false
      if (Keys.isMissing(loaded)) yield* keep(owned, part.index)
      return true
    })

  /** Takes all parts at once, if it can. */
  const takeAll: Effect.Effect<
    void,
    KeysDiffer | CommitConflict | DefinitionDiffers | EventStoreError | ViewStoreError
  > = Effect.suspend(() => {
    const owning = (index: number, first: Ownership | undefined): typeof takeAll =>
      index === part.of
        ? Effect.gen(function* () {
            const unlevel = yield* unlevelOf
            if (unlevel !== undefined) return yield* unlevel
            yield* keep(first!, 0)
          })
        : withLease(
            records,
            { ...claim, part: { index, of: part.of } },
            {
              asOwner: (owned) => owning(index + 1, first ?? owned),
              divided: () => Effect.void,
              differs
            }
          ).pipe(Effect.map(Option.getOrUndefined))
    return owning(0, undefined)
  })

  /** Fails if the parts of another number may not be brought to one position by this version. */
  const mayLevel = Effect.flatMap(store.load(generation, [Keys.key]), (loaded) => {
    const former = Keys.formerOf(consumer, loaded)
    if (former === undefined) return Effect.void
    wasRefused = true
    return Effect.fail(differ(former, loaded.positions))
  })

  return { mayLevel, mayClaim, mayWork, takeAll }
}

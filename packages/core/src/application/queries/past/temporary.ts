/** The records of a past moment in a generation of their own, which nobody else reads, and which is deleted after use. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { declaredIndexes } from "../../../domain/query/indexes.ts"
import type * as View from "../../../domain/View.ts"
import { nextBeat } from "../../../internal/beat.ts"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { isRetryable } from "../../../internal/retryable.ts"
import { type CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import type { Generation, Status } from "../../../ports/generation.ts"
import type { Claimed, ProjectionStore } from "../../../ports/ProjectionStore.ts"
import { Rejected, Timeout } from "../../../ports/Reason.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"
import * as Ids from "../../events/Ids.ts"
import type { PastRecords } from "./records.ts"

/** The ports that a temporary generation is in. */
export interface Stores {
  readonly projections: ProjectionStore["Service"]
  readonly views: ViewStore["Service"]
}

/** Records in a temporary generation. */
export interface TemporaryRecords extends PastRecords<CommitConflict | ViewStoreError> {
  /** The name under which the view store knows them. */
  readonly view: string
  /** Says that all events are folded: from now on the view store answers queries of them. */
  readonly complete: Effect.Effect<void, CommitConflict | ViewStoreError>
}

/**
 * Begins a temporary generation of a view's records, and deletes it when the scope closes.
 *
 * Why no records stay behind: the generation has an owner as long as the scope is open, because the lease is renewed.
 * If a process dies, its lease ends. The next process that begins a temporary generation claims the old one and deletes it.
 */
export const temporary = (
  view: View.Any,
  { history, upTo }: { readonly history: number; readonly upTo: number },
  { projections, views }: Stores
): Effect.Effect<TemporaryRecords, ViewStoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const id = (yield* Ids.Next)(yield* Clock.currentTimeMillis)
    const generation: Generation = {
      view: `${view.name.slice(0, longestName)}${mark}${id.replaceAll("-", "")}`,
      version: 1
    }
    yield* dropLeft({ projections, views }, id)
    const claim = { generation, owner: id, indexes: declaredIndexes(view), fingerprint: view.fingerprint }
    const owned = yield* Effect.acquireRelease(
      Effect.flatMap(projections.claim({ ...claim, lease }), (claimed) => ownedOf(generation, claimed)),
      ({ epoch }) => dropOwn(projections, generation, epoch)
    )
    const { epoch } = owned
    const renewal = projections.claim({ ...claim, lease, renews: { epoch } })
    yield* Effect.forkScoped(renewing(renewal))

    let from = owned.position
    const commit = (batch: Omit<Parameters<typeof projections.commit>[0], "owner" | "from" | "history">) =>
      Effect.map(projections.commit({ ...batch, owner: { generation, epoch }, from, history }), () => {
        from = batch.to
      })
    return {
      view: generation.view,
      load: (keys) => projections.load(generation, keys),
      write: ({ deadLetters, put, remove, to }) =>
        commit({ to, records: { put, remove }, deadLetters: { put: deadLetters, remove: [] } }),
      complete: Effect.suspend(() => commit({ to: Math.max(from, upTo), asks: "serve" }))
    } satisfies TemporaryRecords
  })

const mark = "_past_"

// With the mark and the digits of a UUID a name has at most 100 characters.
const longestName = 60

const isTemporary = /_past_[0-9a-f]{32}$/

const lease = Duration.seconds(20)

const ownedOf = (
  { view }: Generation,
  claimed: Claimed
): Effect.Effect<Extract<Claimed, { readonly _tag: "Owned" }>, ViewStoreError> => {
  if (claimed._tag === "Owned") return Effect.succeed(claimed)
  const reason = new Rejected({ detail: "another process has records under the name of a temporary generation" })
  return Effect.fail(new ViewStoreError({ operation: "claim", view, reason }))
}

/** Renews the lease. If it is lost, somebody else deletes the records; then writing them and asking for them fails. */
const renewing = (renewal: Effect.Effect<Claimed, ViewStoreError>): Effect.Effect<void> =>
  Effect.andThen(nextBeat(Duration.divideUnsafe(lease, 3)), renewal).pipe(
    Effect.retry({ schedule: Schedule.spaced("1 second"), while: isRetryable }),
    Effect.repeat({ while: ({ _tag }) => _tag === "Owned" }),
    Effect.catch((error) => Effect.logWarning(`the records of a past moment may be lost: ${error.message}`)),
    Effect.asVoid
  )

const dropOwn = (projections: ProjectionStore["Service"], generation: Generation, epoch: number): Effect.Effect<void> =>
  disconnectWithin(
    projections.drop({ generation, epoch, evenIfServing: true }),
    patience,
    (detail) => new ViewStoreError({ operation: "drop", view: generation.view, reason: new Timeout({ detail }) })
  ).pipe(
    // Somebody has deleted it already, or will do it when the lease has ended.
    Effect.catchTag("CommitConflict", () => Effect.void),
    Effect.catch((error) => Effect.logWarning(`temporary records are left: ${error.message}`))
  )

const patience = Duration.seconds(5)

/** Deletes the temporary generations of processes that have died. */
const dropLeft = ({ projections, views }: Stores, owner: string): Effect.Effect<void, ViewStoreError> =>
  Effect.flatMap(views.status, (all) =>
    Effect.forEach(
      all.filter(({ parts, view }) => isTemporary.test(view) && parts.every((part) => part.owner === undefined)),
      ({ build, version, view }: Status) => {
        const generation = { view, version, build }
        return Effect.flatMap(projections.claim({ generation, owner, lease }), (claimed) =>
          claimed._tag === "Owned" ? dropOwn(projections, generation, claimed.epoch) : Effect.void
        )
      },
      { discard: true }
    )
  )

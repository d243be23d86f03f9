import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { SnapshotStoreError } from "../../../ports/errors.ts"
import { Timeout } from "../../../ports/Reason.ts"
import type { Snapshot, SnapshotStore } from "../../../ports/SnapshotStore.ts"
import { type Covered, cover, type Rule } from "./covered.ts"
import { reportedSteadily } from "./reports.ts"
import { saving } from "./saving.ts"
import type { Found, Snapshotted, Snapshotting, Wanted } from "./snapshotting.ts"

/** An aggregate, and when a snapshot of its streams is due. */
export interface Member {
  readonly aggregate: Snapshotted
  readonly when: { readonly every: number } | { readonly rule: Rule }
}

/** How snapshots are loaded and saved. */
export interface Settings {
  readonly members: ReadonlyArray<Member>
  /** The most time for a load. */
  readonly timeout: Duration.Duration
  /** The most streams that wait to be saved. */
  readonly capacity: number
}

/** Keeps the states of some aggregates in a store, until the scope ends. */
export const make = (
  store: SnapshotStore["Service"],
  { capacity, members, timeout }: Settings,
  context: Context.Context<never>
): Effect.Effect<Snapshotting, never, Scope.Scope> =>
  Effect.map(saving(store, capacity), (put) => {
    const byAggregate = new Map<object, Covered>(
      members.map(({ aggregate, when }) => [aggregate, cover(aggregate, when, context)])
    )
    const reports = reportsOf()

    const found = ({ covered, streamId }: Asked, row: Snapshot | undefined): Result.Result<Found | undefined, string> =>
      row === undefined
        ? Result.succeed(undefined)
        : isOf(row, streamId, covered)
          ? Result.map(decoded(covered, row), (state) => ({ ...row, state }))
          : Result.fail("is not the one that was asked for")

    const ignore: Snapshotting["ignore"] = ({ source, streamId }, reason) => {
      const covered = byAggregate.get(source)
      if (covered === undefined) return
      covered.meters.ignored(reason)
      if (reason === "store") return
      covered.last.forget(streamId)
      put({ covered, streamId, committed: undefined, removes: true })
    }

    const load = (wanted: ReadonlyArray<Wanted>): Effect.Effect<ReadonlyArray<Found | undefined>> =>
      Effect.gen(function* () {
        const all = wanted.map(({ source, streamId }) => ({ streamId, covered: byAggregate.get(source)! }))
        const requests = all.map(({ covered: { fingerprint }, streamId }) => ({ streamId, fingerprint }))
        const exit = yield* Effect.exit(
          disconnectWithin(
            Effect.suspend(() => store.load(requests)),
            timeout,
            (detail) => new SnapshotStoreError({ operation: "load", reason: new Timeout({ detail }) })
          )
        )
        if (Exit.isFailure(exit)) {
          yield* reports.failed(exit.cause)
          for (const each of wanted) ignore(each, "store")
          return wanted.map(() => undefined)
        }
        yield* reports.succeeded
        const answer: Array<Found | undefined> = []
        for (const [i, each] of all.entries()) {
          const result = found(each, exit.value[i])
          if (Result.isFailure(result)) {
            ignore(wanted[i]!, "undecodable")
            yield* reports.rubbish(`the snapshot of ${each.streamId} ${result.failure}`)
          }
          answer.push(Result.getOrUndefined(result))
        }
        return answer
      })

    return {
      covers: (source) => byAggregate.has(source),
      load,
      ignore,
      use: ({ source, streamId }, { history, version }, isOfEarlierHistory) => {
        const covered = byAggregate.get(source)
        covered?.meters.loaded()
        if (isOfEarlierHistory) covered?.last.forget(streamId)
        else covered?.last.set({ streamId, history, version })
      },
      offer: (committed) => {
        const { history, source, streamId, version } = committed
        const covered = byAggregate.get(source)
        if (covered === undefined || version === 0) return
        const { every = 1, last } = covered
        if (version - last.of(streamId, history) < every) return
        // So the next events do not make it due again while it waits. A rule is asked later.
        if (covered.rule === undefined) last.set({ streamId, history, version })
        put({ covered, streamId, committed, removes: false })
      }
    }
  })

interface Asked {
  readonly streamId: Wanted["streamId"]
  readonly covered: Covered
}

// A store that breaks its promises costs time. What it gives is used only if it is certainly what was asked for.
const isOf = (row: Snapshot, streamId: string, { fingerprint }: Covered): boolean =>
  row.streamId === streamId &&
  row.fingerprint === fingerprint &&
  [row.version, row.history, row.position].every((n) => Number.isSafeInteger(n) && n > 0)

const decoded = ({ states }: Covered, { state }: Snapshot): Result.Result<unknown, string> => {
  try {
    return states.decode(state)
  } catch (defect) {
    return Result.fail(`cannot be decoded: ${String(defect)}`)
  }
}

/** What is reported of loads. */
const reportsOf = () => {
  const loads = reportedSteadily({
    failing: "snapshots cannot be loaded, so streams are read as a whole",
    again: "snapshots are loaded again"
  })
  const rubbish = reportedSteadily({ failing: "a snapshot is ignored and replaced" })
  return { ...loads, rubbish: (detail: string) => rubbish.failed(Cause.fail(new Error(detail))) }
}

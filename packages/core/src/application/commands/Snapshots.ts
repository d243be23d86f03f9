/**
 * Keeps states of aggregates in a `SnapshotStore`, so that a long stream is not read
 * from its beginning: a command loads the last snapshot and reads the later events.
 *
 * This is safe. A snapshot is only a cache: one that does not decode, that another
 * definition of the aggregate has made, that belongs to commits which the log has lost,
 * or that is ahead of its stream, is ignored and replaced. A store of snapshots that
 * does not answer costs time, and no command fails with it.
 *
 * Only what is committed is saved, after the commit and in the background. A command
 * inside a transaction of the caller neither uses snapshots nor saves any.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SnapshotStore } from "../../ports/SnapshotStore.ts"
import type { Asked, Rule } from "./snapshots/covered.ts"
import { fingerprintOf } from "./snapshots/fingerprint.ts"
import { make, type Member } from "./snapshots/service.ts"
import type { Snapshotted, Snapshotting } from "./snapshots/snapshotting.ts"

export type { Asked } from "./snapshots/covered.ts"
export type { Committed, Found, Reason, Snapshotted, Snapshotting, Wanted } from "./snapshots/snapshotting.ts"

/** The snapshots in use. By default there are none. */
export const Current = Context.Reference<Snapshotting | undefined>("@hexfold/core/Snapshots", {
  defaultValue: () => undefined
})

/** An aggregate with a rule for its snapshots, made by {@link when}. */
export interface When {
  readonly _tag: "SnapshotsWhen"
  readonly aggregate: Snapshotted
  readonly rule: Rule
}

/** Which aggregates have snapshots, and when they are made. */
export interface Options {
  /** The aggregates, each once: the aggregate itself, or with a rule of its own ({@link when}). */
  readonly of: ReadonlyArray<Snapshotted | When>
  /** After so many events of a stream a snapshot is due. A whole number from 1 on, 100 by default. */
  readonly every?: number
  /** The most time for loading snapshots. Without an answer the command goes on without them. 1 second by default. */
  readonly timeout?: Duration.Input
  /**
   * How many streams may wait for their snapshots to be saved. When there are more, the
   * one that has waited longest gets none this time. 1,000 by default.
   */
  readonly capacity?: number
}

/**
 * An aggregate whose snapshots are made when a rule says so. The rule is asked in the
 * background, with a committed state, after each command that adds events to a stream
 * and after each read of events: it is a pure function.
 *
 * @example
 * ```ts
 * import { Aggregate, Snapshots } from "@hexfold/core"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * const Snapshotting = Snapshots.layer({
 *   of: [Snapshots.when(Counter, ({ sinceSnapshot, state }) => state === 0 || sinceSnapshot >= 500)]
 * })
 * ```
 */
export const when = <A extends Snapshotted>(aggregate: A, rule: (asked: Asked<A["initial"]>) => boolean): When => ({
  _tag: "SnapshotsWhen",
  aggregate,
  rule
})

/**
 * What tells the states of this definition of an aggregate from those of another one:
 * the revision, the JSON of the state's schema, the initial state, the events and their
 * versions. A snapshot with another fingerprint is ignored. Use it to remove those of
 * earlier definitions.
 *
 * @example
 * ```ts
 * import { Aggregate, SnapshotStore, Snapshots } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * const removeOld = Effect.flatMap(SnapshotStore.SnapshotStore, (store) =>
 *   store.remove({ aggregate: Counter.name, except: [Snapshots.fingerprint(Counter)] })
 * )
 * ```
 */
export const fingerprint = (aggregate: Snapshotted): string => fingerprintOf(aggregate)

/**
 * Lets the commands of a program, and `Executor.load`, use snapshots of some
 * aggregates. The domain does not know of it.
 *
 * With `every` a snapshot of a stream is due when so many events have come after the
 * last one: after a command that has added events, or after a read, so that a long
 * stream gets its first snapshot by a read. When the layer ends, what still waits is
 * saved within 5 seconds.
 *
 * The store of snapshots belongs to one log. Options that are not valid, and an
 * aggregate that is named twice, are mistakes in the program and throw an `Error`.
 *
 * @example
 * ```ts
 * import { Aggregate, Snapshots } from "@hexfold/core"
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { Layer } from "effect"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * const Live = Snapshots.layer({ every: 100, of: [Counter] }).pipe(Layer.provideMerge(MemoryStores.layer()))
 * ```
 */
export const layer = ({
  capacity = 1_000,
  every = 100,
  of,
  timeout = "1 second"
}: Options): Layer.Layer<never, never, SnapshotStore> => {
  checkCount("every", every)
  checkCount("capacity", capacity)
  const limit = Duration.fromInputUnsafe(timeout)
  if (!(Duration.toMillis(limit) > 0)) throw new Error("Snapshots.layer: the timeout is not a time above 0")
  const members = of.map((each): Member => {
    return isWhen(each)
      ? { aggregate: each.aggregate, when: { rule: each.rule } }
      : { aggregate: each, when: { every } }
  })
  const seen = new Set<object>()
  for (const { aggregate } of members) {
    if (seen.has(aggregate)) throw new Error(`Snapshots.layer: the aggregate ${aggregate.name} is named twice`)
    seen.add(aggregate)
  }
  return Layer.effect(
    Current,
    Effect.gen(function* () {
      const context = yield* Effect.context<SnapshotStore>()
      return yield* make(Context.get(context, SnapshotStore), { members, timeout: limit, capacity }, context)
    })
  )
}

const isWhen = (member: Snapshotted | When): member is When => "_tag" in member

const checkCount = (name: string, n: number): void => {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new Error(`Snapshots.layer: ${name} ${n} is not a whole number from 1 on`)
}

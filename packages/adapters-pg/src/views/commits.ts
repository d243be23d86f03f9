import { CommitConflict, type ProjectionStore, Reason, type View, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as registry from "../sql/generations.ts"
import * as inline from "../sql/inline.ts"
import * as deadLetterTable from "../sql/deadLetters.ts"
import * as records from "../sql/records.ts"
import { bigint, bigints, float8, int4, jsonb, texts } from "../database/binds.ts"
import { promoting } from "./inlinePromotion.ts"
import { storedOf } from "./rows.ts"
import * as viewRecords from "./records.ts"

interface Locked {
  readonly id: bigint
  readonly version: bigint
  readonly build: bigint
  readonly serves: boolean
  readonly inline: boolean
}

interface CaughtUp {
  readonly caught_up: boolean
}

interface Place {
  readonly epoch: bigint
  readonly position: bigint
}

/** Commits to a schema's generations, and drops of them. Each runs in a transaction at READ COMMITTED. */
export const committing = (schema: string, sql: SqlClient.SqlClient, views: ReadonlyArray<View.Any>) => {
  const promotion = promoting(schema, sql, views)

  // Writes, and returns whether the dead letters are as the commit expects them. They stay so, because the part is locked.
  const write = (id: bigint, commit: ProjectionStore.Commit) =>
    Effect.gen(function* () {
      const { deadLetters } = commit
      const waiting = [...CommitCheck.waitingKeys(deadLetters)]
      if (waiting.length > 0) {
        const [overtaken] = yield* sql.unsafe(deadLetterTable.notParked(schema), [id, texts(waiting)])
        if (overtaken !== undefined) return false
      }
      if (commit.records !== undefined) yield* viewRecords.write(schema, sql, [{ id, ...commit.records }])
      if (deadLetters === undefined) return true
      if (deadLetters.put.length > 0)
        yield* sql.unsafe(deadLetterTable.put(schema), [
          id,
          jsonb(deadLetters.put.map((each) => ({ ...storedOf(each), key: each.key, parked: each.parked })))
        ])
      if (deadLetters.remove.length === 0) return true
      const removed = yield* sql.unsafe(deadLetterTable.remove(schema), [id, jsonb(deadLetters.remove)])
      return removed.length === deadLetters.remove.length
    })

  const demote = (generations: ReadonlyArray<Locked>) => {
    const ids = generations.flatMap(({ id, inline }) => (inline ? [id] : []))
    return ids.length === 0 ? Effect.void : sql.unsafe(inline.demote(schema), [bigints(ids)])
  }

  // The parts that decide are locked: the build that has served does not advance before the switch.
  const serve = (
    { generation: { view }, to, overLost }: { generation: ProjectionStore.Generation; to: number; overLost: boolean },
    id: bigint,
    all: ReadonlyArray<Locked>
  ) =>
    Effect.gen(function* () {
      const next = all.find((each) => each.id === id)
      if (next === undefined) return
      const current = all.find(({ serves, version }) => serves && version === next.version)
      if (current !== undefined && !isLater(next, current)) return
      const [row] = yield* current === undefined
        ? sql.unsafe<CaughtUp>(registry.hasReached(schema), [id, bigint(to)])
        : sql.unsafe<CaughtUp>(registry.hasCaughtUp(schema), [id, current.id])
      if (row?.caught_up !== true && !overLost) return
      const at = [view, next.version, next.build]
      yield* demote(all.filter(({ build, version }) => version === next.version && build < next.build))
      yield* sql.unsafe(registry.stopServing(schema), at)
      yield* sql.unsafe(registry.serve(schema), [id])
      yield* sql.unsafe(registry.fence(schema), at)
    })

  // The lock of the inline flags comes before all others, as it does for appends.
  // Why commits at the same time are correct: a part moves only from the epoch and position given, and stays locked to
  // the end. All transactions lock generations before parts. Commits share the lock of the generation. Divisions and
  // switches, which lock more than one part, exclude each other by it; a drop holds it alone. So there is no deadlock. A
  // switch that waited for another part sees what that part has committed.
  const commit = (
    given: ProjectionStore.Commit
  ): Effect.Effect<void, CommitConflict | ViewStoreError | SqlError.SqlError> =>
    Effect.gen(function* () {
      const { asks, from, owner, progress, to } = given
      const { epoch, generation, part = 0 } = owner
      const { view } = generation
      const at = placeOf(generation)
      const promote = asks === "serve inline" ? yield* promotion(given) : undefined
      const all = asks === undefined ? [] : yield* sql.unsafe<Locked>(registry.lockGenerations(schema), [view])
      const [advanced] = yield* sql.unsafe<{ readonly id: bigint }>(registry.advance(schema), [
        ...at,
        int4(part),
        bigint(epoch),
        bigint(from),
        bigint(to),
        jsonb(progress?.failure === undefined ? null : storedOf(progress.failure)),
        float8(progress?.throughput?.events ?? null),
        float8(progress?.throughput?.positions ?? null),
        bigint(given.history),
        bigint(changesRecords(given) ? 1 : 0)
      ])
      if (advanced === undefined) {
        const [place] = yield* sql.unsafe<Place>(registry.place(schema), [...at, int4(part)])
        return yield* conflict(owner, { epoch, position: from }, actualOf(place))
      }
      if (!(yield* write(advanced.id, given))) {
        return yield* conflict(owner, { epoch, position: from }, { epoch, position: from })
      }
      // If appends cannot maintain this generation, they also stop maintaining the one that it is to replace. Otherwise
      // this one could not catch up.
      if (promote !== undefined && !(yield* promote(advanced.id))) {
        const own = all.find(({ id }) => id === advanced.id)
        yield* demote(all.filter((each) => each.serves && own !== undefined && isLater(own, each)))
      }
      if (asks !== undefined) yield* serve({ generation, to, overLost: asks === "serve over lost" }, advanced.id, all)
    })

  // The lock of the generation waits for its commits and keeps others away, that of its parts does so for claims: the
  // epoch that was seen is still the owner's when the rows are deleted.
  const drop = (
    owner: ProjectionStore.Drop
  ): Effect.Effect<void, CommitConflict | ViewStoreError | SqlError.SqlError> =>
    Effect.gen(function* () {
      const { epoch, evenIfServing = false, generation, part = 0 } = owner
      const all = yield* sql.unsafe<Locked>(registry.lockGenerations(schema), [generation.view])
      const [dropped] = yield* sql.unsafe<Locked>(registry.lockDropped(schema), placeOf(generation))
      const parts = dropped === undefined ? [] : yield* sql.unsafe<Place>(registry.lockParts(schema), [dropped.id])
      const actual = actualOf(parts[part])
      if (dropped === undefined || dropped.inline || actual.epoch !== epoch) {
        return yield* conflict(owner, { epoch, position: actual.position }, actual)
      }
      const isNeeded = !all.some(({ serves, version }) => serves && version !== dropped.version)
      if (dropped.serves && isNeeded && !evenIfServing) {
        const detail = "the only version that answers queries is not dropped"
        const reason = new Reason.Rejected({ detail })
        return yield* new ViewStoreError({ operation: "drop", view: generation.view, reason })
      }
      yield* sql.unsafe(registry.remove(schema), [dropped.id])
      yield* sql.unsafe(records.dropTable(schema, dropped.id))
    })

  return { commit, drop }
}

const changesRecords = ({ records }: ProjectionStore.Commit): boolean =>
  records !== undefined && records.put.length + records.remove.length > 0

const placeOf = ({ build, version, view }: ProjectionStore.Generation) => [view, bigint(version), bigint(build)]

const actualOf = (place: Place | undefined) => ({
  epoch: Number(place?.epoch ?? 0),
  position: Number(place?.position ?? 0)
})

const conflict = (
  { generation: { version, view } }: ProjectionStore.Owner,
  expected: CommitConflict["expected"],
  actual: CommitConflict["actual"]
) => new CommitConflict({ view, version, expected, actual })

const isLater = (a: Locked, b: Locked): boolean => a.version === b.version && a.build > b.build

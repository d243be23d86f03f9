import { PgTypes } from "@effect/sql-pg"
import { CommitConflict, Reason, type View, type ViewStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as registry from "../sql/generations.ts"
import * as inline from "../sql/inline.ts"
import * as deadLetterTable from "../sql/deadLetters.ts"
import * as records from "../sql/records.ts"
import { array, bigint, float8, int4, jsonb, texts } from "../database/binds.ts"
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

/** Commits to a schema's generations. Each runs in a transaction at READ COMMITTED. */
export const committing = (schema: string, sql: SqlClient.SqlClient, views: ReadonlyArray<View.Any>) => {
  const promotion = promoting(schema, sql, views)

  // Writes, and returns whether the dead letters are as the commit expects them. They stay so, because the part is locked.
  const write = (id: bigint, commit: ViewStore.Commit) =>
    Effect.gen(function* () {
      const { deadLetters } = commit
      const waiting = [...CommitCheck.waitingKeys(deadLetters)]
      if (waiting.length > 0) {
        const [overtaken] = yield* sql.unsafe(deadLetterTable.notParked(schema), [id, texts(waiting)])
        if (overtaken !== undefined) return false
      }
      yield* viewRecords.write(schema, sql, id, commit)
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
    return ids.length === 0 ? Effect.void : sql.unsafe(inline.demote(schema), [array(ids, PgTypes.OID.int8)])
  }

  // The parts of the generation that has served are locked: it does not advance before the switch.
  const serve = (view: string, id: bigint, all: ReadonlyArray<Locked>, overLost: boolean) =>
    Effect.gen(function* () {
      const current = all.find(({ serves }) => serves)
      const next = all.find((each) => each.id === id)
      if (current === undefined || next === undefined || !isLater(next, current)) return
      const [row] = yield* sql.unsafe<{ readonly caught_up: boolean }>(registry.hasCaughtUp(schema), [id, current.id])
      if (row?.caught_up !== true && !overLost) return
      const at = [view, next.version, next.build]
      yield* demote(all.filter(({ build, version }) => version === next.version && build < next.build))
      yield* sql.unsafe(registry.stopServing(schema), at)
      yield* sql.unsafe(registry.serve(schema), [id])
      yield* sql.unsafe(registry.fence(schema), at)
    })

  const drop = (view: string, id: bigint) =>
    Effect.gen(function* () {
      const [removed] = yield* sql.unsafe<{ readonly id: bigint }>(registry.remove(schema), [id])
      if (removed === undefined) return yield* rejected(view, "a generation that serves is not dropped")
      yield* sql.unsafe(records.dropTable(schema, id))
    })

  // The lock of the inline flags comes before all others, as it does for appends.
  // Why commits at the same time are correct: a part moves only from the epoch and position given, and stays locked to
  // the end. All transactions lock generations before parts. Commits share the lock of the generation. Divisions and
  // switches, which lock more than one part, exclude each other by it; a drop holds it alone. So there is no deadlock. A
  // switch that waited for another part sees what that part has committed.
  return (commit: ViewStore.Commit): Effect.Effect<void, CommitConflict | ViewStoreError | SqlError.SqlError> =>
    Effect.gen(function* () {
      const { epoch, failure, from, part = 0, throughput, to } = commit
      const { build, version, view } = commit.generation
      const at = [view, bigint(version), bigint(build)]
      const fenced = (actual: CommitConflict["actual"]) =>
        new CommitConflict({ view, version, expected: { epoch, position: from }, actual })
      const serves = commit.serve === true && commit.drop !== true
      const promote = commit.inline === true ? yield* promotion(commit) : undefined
      const all = serves ? yield* sql.unsafe<Locked>(registry.lockGenerations(schema), [view]) : []
      if (commit.drop === true) yield* sql.unsafe(registry.lockDropped(schema), at)
      const [advanced] = yield* sql.unsafe<{ readonly id: bigint }>(registry.advance(schema), [
        ...at,
        int4(part),
        bigint(epoch),
        bigint(from),
        bigint(to),
        jsonb(failure === undefined ? null : storedOf(failure)),
        float8(throughput?.events ?? null),
        float8(throughput?.positions ?? null),
        bigint(commit.history),
        bigint(commit.put.length + commit.remove.length > 0 ? 1 : 0)
      ])
      if (advanced === undefined) {
        const [place] = yield* sql.unsafe<{ readonly epoch: bigint; readonly position: bigint }>(
          registry.place(schema),
          [...at, int4(part)]
        )
        return yield* fenced({ epoch: Number(place?.epoch ?? 0), position: Number(place?.position ?? 0) })
      }
      if (commit.drop === true) return yield* drop(view, advanced.id)
      if (!(yield* write(advanced.id, commit))) return yield* fenced({ epoch, position: from })
      // If appends cannot maintain this generation, they also stop maintaining the one that it is to replace. Otherwise
      // this one could not catch up.
      if (promote !== undefined && !(yield* promote(advanced.id))) {
        const next = all.find(({ id }) => id === advanced.id)
        yield* demote(all.filter((each) => each.serves && next !== undefined && isLater(next, each)))
      }
      if (serves) yield* serve(view, advanced.id, all, commit.overLost === true)
    })
}

const isLater = (a: Locked, b: Locked): boolean =>
  a.version > b.version || (a.version === b.version && a.build > b.build)

const rejected = (view: string, detail: string) =>
  new ViewStoreError({ operation: "commit", view, reason: new Reason.Rejected({ detail }) })

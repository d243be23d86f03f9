import { type SnapshotStore, SnapshotStoreError, Reason, StreamId } from "@hexfold/core"
import { DateTime, Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigints, int4, texts } from "../database/binds.ts"
import { keyOf } from "../events/keys.ts"
import * as statements from "./statements.ts"

/** The most rows of one statement that removes the snapshots of an aggregate. */
const mostRemoved = 1_000

type Limit = <A>(statement: Effect.Effect<A, SqlError.SqlError>) => Effect.Effect<A, SnapshotStoreError>

/** The operations on the table of snapshots. */
export const table = (schema: string, sql: SqlClient.SqlClient) => ({
  load: (
    requests: ReadonlyArray<SnapshotStore.Request>
  ): Effect.Effect<ReadonlyArray<SnapshotStore.Snapshot | undefined>, SqlError.SqlError | SnapshotStoreError> =>
    Effect.gen(function* () {
      const answer = new Array<SnapshotStore.Snapshot | undefined>(requests.length).fill(undefined)
      if (requests.length === 0) return answer
      const binds = [texts(requests.map(({ streamId }) => keyOf(streamId))), texts(requests.map(fingerprintOf))]
      for (const row of yield* sql.unsafe<Row>(statements.load(schema), binds)) {
        const { fingerprint, streamId } = requests[row.place - 1]!
        answer[row.place - 1] = {
          streamId,
          fingerprint,
          version: Number(row.version),
          history: Number(row.history),
          position: Number(row.position),
          state: yield* parsed(row.state),
          savedAt: DateTime.makeUnsafe(row.savedAt)
        }
      }
      return answer
    }),

  save: (snapshots: ReadonlyArray<SnapshotStore.NewSnapshot>, most: number): Effect.Effect<void, SqlError.SqlError> =>
    Effect.gen(function* () {
      if (snapshots.length === 0) return
      const numbers = (of: (snapshot: SnapshotStore.NewSnapshot) => number) =>
        bigints(snapshots.map((snapshot) => BigInt(of(snapshot))))
      const added = yield* sql.unsafe<{ readonly key: string }>(statements.save(schema), [
        texts(snapshots.map(({ streamId }) => keyOf(streamId))),
        texts(snapshots.map(fingerprintOf)),
        texts(snapshots.map(({ streamId }) => StreamId.aggregateOf(streamId))),
        numbers(({ version }) => version),
        numbers(({ history }) => history),
        numbers(({ position }) => position),
        texts(snapshots.map(({ state }) => JSON.stringify(state)))
      ])
      // Only a fingerprint that is new to its stream can be one too many.
      if (added.length === 0) return
      yield* sql.unsafe(statements.trim(schema), [texts(added.map(({ key }) => key)), int4(most)])
    }),

  removeOfStream: ({ fingerprint, streamId }: SnapshotStore.OfStream): Effect.Effect<number, SqlError.SqlError> =>
    Effect.map(
      sql.unsafe<Count>(statements.removeOfStream(schema), [keyOf(streamId), fingerprint ?? null]),
      ([row]) => row!.count
    ),

  /** Removes in portions, each within the limit. What is saved meanwhile stays. */
  removeOfAggregate: (
    { aggregate, except = [] }: SnapshotStore.OfAggregate,
    limit: Limit
  ): Effect.Effect<number, SnapshotStoreError> =>
    Effect.gen(function* () {
      const [moment] = yield* limit(sql.unsafe<{ readonly now: string }>(statements.now))
      const binds = [aggregate, texts(except), moment!.now, int4(mostRemoved)]
      let removed = 0
      for (;;) {
        const [row] = yield* limit(sql.unsafe<Count>(statements.removeOfAggregate(schema), binds))
        if (row!.count === 0) return removed
        removed += row!.count
      }
    })
})

const fingerprintOf = ({ fingerprint }: SnapshotStore.Request): string => fingerprint

const parsed = (text: string): Effect.Effect<Schema.Json, SnapshotStoreError> =>
  Effect.try({
    try: () => JSON.parse(text) as Schema.Json,
    catch: (cause) =>
      new SnapshotStoreError({
        operation: "load",
        reason: new Reason.Corrupt({ detail: "a stored state is not JSON", cause })
      })
  })

interface Row {
  readonly place: number
  readonly version: bigint
  readonly history: bigint
  readonly position: bigint
  readonly state: string
  readonly savedAt: Date
}

interface Count {
  readonly count: number
}

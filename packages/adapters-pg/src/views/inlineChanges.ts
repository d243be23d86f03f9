import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigints } from "../database/binds.ts"
import { whetherJoined } from "../database/transactions.ts"
import * as registry from "../sql/generations.ts"
import type { StatusRow } from "./rows.ts"

/** What a process has seen of the appends to a generation. */
interface Seen {
  readonly history: bigint
  /** The events up to this position have been looked at. */
  readonly upTo: bigint
  /** The last of them that the generation follows, or the position at which the process has begun to look. */
  readonly last: bigint
}

/**
 * Finds what appends have changed in the generations that they maintain: the position of the last event that a
 * generation follows, by the number of the generation.
 *
 * The log has what a counter would have. Appends write no counter, because those of different streams would wait for
 * each other at its row, and a sequence would be raised before the append can be seen.
 *
 * Why no change is missed. (1) An append writes its events and the records in one transaction. So a record that has
 * changed has an event with one of the generation's types and aggregates. (2) The statement begins after the horizon was
 * read, so it sees every event up to there. (3) The next look begins where this one ended, in the same history; in another
 * one the number is that of the horizon. (4) Between two times in which appends maintain a generation, `demote` has raised
 * its own count, and the position that is found here never falls within a history. So the sum of the two is another one.
 */
export const inlineChanges = (schema: string, sql: SqlClient.SqlClient) => {
  let known: ReadonlyMap<bigint, Seen> = new Map()

  const beginning = ({ history, position }: StatusRow): Seen => ({
    history: history ?? 0n,
    upTo: position,
    last: position
  })

  const look = (rows: ReadonlyArray<StatusRow>) =>
    Effect.gen(function* () {
      const before = rows.map((row): Seen => {
        const seen = known.get(row.id)
        return seen === undefined || !isSame(seen, row) || row.position - seen.upTo > most ? beginning(row) : seen
      })
      const further = rows.flatMap((row, i) =>
        row.position > before[i]!.upTo ? [{ row, after: before[i]!.upTo }] : []
      )
      const found =
        further.length === 0
          ? []
          : yield* sql.unsafe<Found>(registry.lastFollowed(schema), [
              bigints(further.map(({ row }) => row.id)),
              bigints(further.map(({ after }) => after)),
              bigints(further.map(({ row }) => row.position))
            ])
      const lasts = new Map(found.map(({ id, last }) => [id, last]))
      // Another look may have ended meanwhile. Both have looked at all events that they have passed.
      const now = rows.map((row, i) => {
        const seen = latest(before[i]!, { ...before[i]!, upTo: row.position, last: lasts.get(row.id) ?? 0n })
        const other = known.get(row.id)
        return [row.id, other === undefined || !isSame(other, row) ? seen : latest(seen, other)] as const
      })
      known = new Map(now)
      return new Map(now.map(([id, { last }]) => [id, Number(last)]))
    })

  return (all: ReadonlyArray<StatusRow>): Effect.Effect<ReadonlyMap<bigint, number>, SqlError.SqlError> => {
    const rows = all.filter(({ inline }) => inline)
    if (rows.length === 0) return Effect.succeed(new Map())
    // A transaction of the caller may not see what was committed since it began.
    return whetherJoined(sql, (joined) =>
      joined ? Effect.succeed(new Map(rows.map(({ id, position }) => [id, Number(position)]))) : look(rows)
    )
  }
}

const isSame = (seen: Seen, row: StatusRow): boolean => seen.history === row.history

const latest = (a: Seen, b: Seen): Seen => ({
  ...a,
  upTo: a.upTo > b.upTo ? a.upTo : b.upTo,
  last: a.last > b.last ? a.last : b.last
})

/** The most positions that are looked through. After more of them the records are taken to have changed. */
const most = 10_000n

interface Found {
  readonly id: bigint
  readonly last: bigint | null
}

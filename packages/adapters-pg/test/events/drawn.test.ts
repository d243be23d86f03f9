import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema } from "../support/database.ts"

/** How often each way to ask for the last position drawn gave one that nobody had drawn. */
interface Invented {
  readonly o_row: number
  readonly o_drawn: number
  readonly o_last: number
}

describe("the last position that was drawn", () => {
  it.live("is never one that nobody has drawn, although the row of the sequence shows such for a moment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const sql = yield* client()
      yield* Effect.provideService(PgMigrations.run({ schema }), SqlClient.SqlClient, sql)
      yield* sql.unsafe(`create function ${schema}.look(p_looks int, out o_row int, out o_drawn int, out o_last int) language plpgsql as $$
begin
  select 0, 0, 0 into o_row, o_drawn, o_last;
  for i in 1..p_looks loop
    o_row := o_row + ((select last_value from ${schema}.events_position) > 2)::int;
    o_drawn := o_drawn + (${schema}.drawn() > 2)::int;
    o_last := o_last + ((select h.o_last from ${schema}.horizon_2(false, false, false) as h) > 2)::int;
  end loop;
end $$`)
      // Each draw gives the position 2, and writes a log record: that is when the row shows too much.
      yield* sql.unsafe(`create function ${schema}.draw(p_draws int) returns void language plpgsql as $$
begin
  for i in 1..p_draws loop
    perform setval('${schema}.events_position', 1), nextval('${schema}.events_position');
  end loop;
end $$`)
      const round = Effect.all(
        [sql.unsafe<Invented>(`select * from ${schema}.look(2000)`), sql.unsafe(`select ${schema}.draw(200000)`)],
        { concurrency: "unbounded" }
      )
      // Where there is one processor only, the row is hardly ever seen at that moment.
      let rows = 0
      for (let rounds = 0; rows < 10 && rounds < 20; rounds++) {
        const [[invented]] = yield* round
        assert.deepInclude(invented, { o_drawn: 0, o_last: 0 })
        rows += invented!.o_row
      }
    })
  )
})

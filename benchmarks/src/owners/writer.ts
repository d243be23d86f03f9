/**
 * A process that executes the slice of a log that a seed decides, as fast as it can, and ends.
 *   node writer.ts URL SEED PACE [LOG]
 */
import { Executor } from "@hexfold/core"
import { Deferred, Effect } from "effect"
import { stores } from "../kills/open.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Row, rowsOf, sliceOf } from "./log.ts"
import { planOf } from "./plan.ts"
import { Declaration, Take, views } from "./views.ts"
import "../rounds/endWithParent.ts"

const [url, seed, pace, log] = process.argv.slice(2) as [string, string, string, string | undefined]
const rows = sliceOf(rowsOf(log), Number(seed))
const { knowing } = planOf(Number(seed), Number(pace))

const take = ({ declaration, id, ...row }: Row) =>
  patiently(Executor.execute(Declaration, declaration, new Take(row), { commandId: id }))

/** Many rows at once, in the order of the log. A row waits for the one before it of the same declaration. */
const executing = (piece: ReadonlyArray<Row>) => {
  const last = new Map<string, Deferred.Deferred<void>>()
  const execute = (row: Row) =>
    Effect.gen(function* () {
      // Rows start in their order, so the row before this one has started and will end.
      const before = last.get(row.declaration)
      const done = Deferred.makeUnsafe<void>()
      last.set(row.declaration, done)
      if (before !== undefined) yield* Deferred.await(before)
      yield* take(row)
      yield* Deferred.succeed(done, undefined)
    })
  return Effect.forEach(piece, execute, { concurrency: 32, discard: true })
}

const program = Effect.gen(function* () {
  const [known, unknown] = [yield* stores(url, { views }), yield* stores(url, { views: [] })]
  const size = Math.ceil(rows.length / knowing.length)
  for (const [i, knows] of knowing.entries()) {
    yield* executing(rows.slice(i * size, (i + 1) * size)).pipe(Effect.provideContext(knows ? known : unknown))
  }
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)

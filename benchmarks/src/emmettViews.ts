import type { Event } from "@event-driven-io/emmett"
import { getPostgreSQLEventStore, pongoSingleStreamProjection } from "@event-driven-io/emmett-postgresql"
import pg from "pg"
import { type Caught, keys } from "./catchUp.ts"

// Each batch of Emmett's consumer scans all events and sorts the rest of them, so few events are in its favour.
const events = 20_000

type Incremented = Event<"Incremented", { by: number }>
type Counts = { readonly count: number; readonly sum: number }

/** Emmett's event store with fewer events of the same kind, and its consumer, which keeps documents with Pongo. */
export const emmettViews = async (url: string) => {
  // The pool is ours, because closing Emmett leaves its connections open.
  const pool = new pg.Pool({ connectionString: url })
  const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
  // Another benchmark may have used the database.
  await store.schema.dangerous.truncate({ resetSequences: true })
  // The appends come one after the other. Emmett's consumer reads in the order of transactions and goes on after the
  // last position, so it skips events whose positions are not in that order. Concurrent appends can make such events.
  for (let i = 0; i < events; i++) {
    await store.appendToStream<Incremented>(`Counter-${i % keys}`, [{ type: "Incremented", data: { by: 1 } }], {
      expectedStreamVersion: BigInt(Math.floor(i / keys))
    })
  }

  const catchUp = async (round: number): Promise<Caught> => {
    const collectionName = `counts${round}`
    const consumer = store.consumer<Incremented>({
      stopWhen: { noMessagesLeft: true },
      // 500 is the fastest of 25, 100, 500 and 1,000. By default the consumer pauses for 50 ms after each batch of 100.
      pulling: { batchSize: 500, pullingFrequencyInMs: 0 }
    })
    consumer.projector<Incremented>({
      projection: pongoSingleStreamProjection<Counts, Incremented>({
        collectionName,
        canHandle: ["Incremented"],
        initialState: () => ({ count: 0, sum: 0 }),
        evolve: ({ count, sum }: Counts, { data }: Incremented): Counts => ({ count: count + 1, sum: sum + data.by })
      })
    })
    const start = performance.now()
    // This resolves when all events are committed, but also when a batch has failed. So the documents are checked.
    await consumer.start()
    const seconds = (performance.now() - start) / 1_000
    const { rows } = await pool.query<{ right: number }>(
      `select count(*)::int as right from ${collectionName}
       where (data ->> 'count')::int = $1 and (data ->> 'sum')::int = $1`,
      [events / keys]
    )
    return { events, seconds, right: rows[0]!.right }
  }
  const close = async () => {
    await store.close()
    await pool.end().catch(() => {})
  }
  return { catchUp, close }
}

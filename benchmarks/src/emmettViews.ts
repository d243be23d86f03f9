import type { Event } from "@event-driven-io/emmett"
import { getPostgreSQLEventStore, pongoSingleStreamProjection } from "@event-driven-io/emmett-postgresql"
import pg from "pg"
import { type Caught, keys } from "./catchUp.ts"

// Each batch that it reads scans all events and sorts those that are left, so that few are kind to it.
const events = 20_000

type Incremented = Event<"Incremented", { by: number }>
type Counts = { readonly count: number; readonly sum: number }

/** Emmett's event store, with the same events but fewer, and its consumer, which keeps documents with Pongo. */
export const emmettViews = async (url: string) => {
  // A pool of our own, since closing Emmett leaves its connections open.
  const pool = new pg.Pool({ connectionString: url })
  const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
  // Another benchmark may have used it.
  await store.schema.dangerous.truncate({ resetSequences: true })
  // One after the other: its consumer reads in the order of transactions and goes on after the last position, and so
  // passes over events whose positions are not in that order, as those of appends at once may be.
  for (let i = 0; i < events; i++) {
    await store.appendToStream<Incremented>(`Counter-${i % keys}`, [{ type: "Incremented", data: { by: 1 } }], {
      expectedStreamVersion: BigInt(Math.floor(i / keys))
    })
  }

  const catchUp = async (round: number): Promise<Caught> => {
    const collectionName = `counts${round}`
    const consumer = store.consumer<Incremented>({
      stopWhen: { noMessagesLeft: true },
      // Of 25, 100, 500 and 1,000 the fastest; by default it pauses for 50 ms after each batch of 100.
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
    // Resolves when all is committed, but also when a batch has failed: hence the look at the documents.
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

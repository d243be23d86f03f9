import type { PgClient } from "@effect/sql-pg"
import { Background } from "@hexfold/core/adapter"
import { Effect, type Fiber, Schedule, type Scope, Stream } from "effect"
import type { Limit } from "./disconnect.ts"
import { translated } from "./errors.ts"

/** The channel of LISTEN and NOTIFY that the schemas of a database share. */
export const channel = "hexfold"

/** What a notification says: the name of the schema, and which store has announced an append. Neither has a space. */
export const payloadOf = (schema: string, store: string): string => `${schema} ${store}`

/** The channel of a schema in libraries of revision 2 and before, which still listen there. */
export const formerChannel = (name: string): string => `hexfold_${name}`

/** The connection of one client that listens, and whom it wakes. */
interface Listening {
  /** Whom a notification wakes. */
  readonly wakes: Set<Entry>
  fiber: Fiber.Fiber<void> | undefined
}

/** A store whose readers are woken by what other stores announce. */
interface Entry {
  readonly schema: string
  /** The name of the store. It wakes its readers itself, so its own announcements are passed over. */
  readonly store: string
  readonly wake: () => void
}

const listenings = new WeakMap<PgClient.PgClient, Listening>()

/**
 * Wakes a reader of a schema when another store announces an append to it, as long as the
 * scope is open. All stores of one client share one connection. The first reader takes
 * it from the pool, and the last one gives it back. A connection that was lost is
 * replaced, and then everybody is woken once, because what was sent meanwhile is lost.
 * `limited` limits the statement that begins to listen.
 */
export const listen = (
  pg: PgClient.PgClient,
  entry: Entry,
  limited: ReturnType<Limit>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const listening = listenings.get(pg) ?? { wakes: new Set(), fiber: undefined }
        listenings.set(pg, listening)
        listening.wakes.add(entry)
        if (listening.fiber !== undefined) return Effect.succeed(listening)
        return Effect.map(Effect.forkDetach(listenFor(pg, listening, limited)), (fiber) => {
          listening.fiber = fiber
          return listening
        })
      }),
      (listening) =>
        Effect.suspend(() => {
          listening.wakes.delete(entry)
          const { fiber } = listening
          if (listening.wakes.size > 0 || fiber === undefined) return Effect.void
          listening.fiber = undefined
          // The driver waits for the server's answer to UNLISTEN, which a silent connection never gives.
          return Effect.sync(() => fiber.interruptUnsafe())
        })
    )
  )

const listenFor = (pg: PgClient.PgClient, { wakes }: Listening, limited: ReturnType<Limit>): Effect.Effect<void> => {
  const wakeAll = () => wakes.forEach(({ wake }) => wake())
  const report = Background.reported({
    failing: "hexfold: nobody tells of new events, so live readers poll",
    again: "hexfold: live readers listen again"
  })
  return Stream.unwrap(
    Effect.map(limited(pg.listen(channel)), (notifications) =>
      Stream.concat(
        Stream.fromEffect(Effect.andThen(report.succeeded, Effect.sync(wakeAll))),
        Stream.fromQueue(notifications).pipe(
          Stream.map(({ payload }) => {
            const [schema, by] = payload.split(" ")
            wakes.forEach((entry) => schema === entry.schema && by !== entry.store && entry.wake())
          })
        )
      )
    )
  ).pipe(
    Stream.runDrain,
    translated("horizons"),
    Effect.tapCause(report.failed),
    Effect.retry(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])),
    Effect.ignoreCause,
    Effect.withTracerEnabled(false)
  )
}

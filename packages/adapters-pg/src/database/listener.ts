import type { PgClient } from "@effect/sql-pg"
import { Background } from "@hexfold/core/adapter"
import { Effect, type Fiber, Schedule, type Scope, Stream } from "effect"
import type { Limit } from "./disconnect.ts"
import { translated } from "./errors.ts"

/** The channel of LISTEN and NOTIFY that the schemas of a database share. The payload is the name of the schema. */
export const channel = "hexfold"

/** The channel of a schema in libraries of revision 2 and before, which still listen there. */
export const formerChannel = (name: string): string => `hexfold_${name}`

/** The connection of one client that listens, and whom it wakes. */
interface Listening {
  /** Whom a notification wakes, by the name of the schema. */
  readonly wakes: Set<readonly [schema: string, wake: () => void]>
  fiber: Fiber.Fiber<void> | undefined
}

const listenings = new WeakMap<PgClient.PgClient, Listening>()

/**
 * Wakes a reader of a schema when a process announces an append to it, as long as the
 * scope is open. All stores of one client share one connection. The first reader takes
 * it from the pool, and the last one gives it back. A connection that was lost is
 * replaced, and then everybody is woken once, because what was sent meanwhile is lost.
 * `limited` limits the statement that begins to listen.
 */
export const listen = (
  pg: PgClient.PgClient,
  schema: string,
  wake: () => void,
  limited: ReturnType<Limit>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const listening = listenings.get(pg) ?? { wakes: new Set(), fiber: undefined }
        listenings.set(pg, listening)
        const entry = [schema, wake] as const
        listening.wakes.add(entry)
        if (listening.fiber !== undefined) return Effect.succeed({ entry, listening })
        return Effect.map(Effect.forkDetach(listenFor(pg, listening, limited)), (fiber) => {
          listening.fiber = fiber
          return { entry, listening }
        })
      }),
      ({ entry, listening }) =>
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
  const wakeAll = () => wakes.forEach(([, wake]) => wake())
  const report = Background.reported({
    failing: "hexfold: nobody tells of new events, so live readers poll",
    again: "hexfold: live readers listen again"
  })
  return Stream.unwrap(
    Effect.map(limited(pg.listen(channel)), (notifications) =>
      Stream.concat(
        Stream.fromEffect(Effect.andThen(report.succeeded, Effect.sync(wakeAll))),
        Stream.fromQueue(notifications).pipe(
          Stream.map(({ payload }) => wakes.forEach(([schema, wake]) => payload === schema && wake()))
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

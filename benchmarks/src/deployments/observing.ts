import { Projection, Query, Records, type View, ViewStore } from "@hexfold/core"
import { Cause, Effect } from "effect"
import { accounts } from "../kills/commands.ts"
import { now, write } from "../kills/lines.ts"
import type { Random } from "../rounds/random.ts"
import { below } from "../rounds/random.ts"
import type { Observed } from "./lines.ts"
import type { Name, State, Version } from "./views.ts"

const keys = [...accounts, "all", "Deposited", "Withdrawn"]

type OfView = View.Any & { readonly name: Name } & Query.Versioned<unknown, Name>

/** What a read has answered. */
interface Answer {
  readonly keys: ReadonlyArray<string> | "all"
  readonly states: ReadonlyMap<string, unknown>
  readonly positions?: ReadonlyArray<number>
}

type Answering = Effect.Effect<Answer, Records.QueryError, ViewStore.ViewStore>

/** Reads records by key as an application does, and notes the positions that the store gave with them. */
const byKey = (view: OfView): Answering =>
  Effect.gen(function* () {
    const store = yield* ViewStore.ViewStore
    let positions: ReadonlyArray<number> = []
    const load: typeof store.load = (of, keys) =>
      Effect.tap(store.load(of, keys), (loaded) => Effect.sync(() => void (positions = loaded.positions)))
    const states = yield* Effect.provideService(Records.getMany(view, keys), ViewStore.ViewStore, { ...store, load })
    return { keys, states, positions }
  })

const byQuery = (view: OfView): Answering =>
  Effect.map(Records.query(view, Query.from(view)), ({ rows }) => ({
    keys: "all" as const,
    states: new Map(rows.map(({ key, state }) => [key, state]))
  }))

const failureOf = (cause: Cause.Cause<Records.QueryError>) => {
  const failure = cause.reasons.find(Cause.isFailReason)?.error
  if (failure === undefined) return { _tag: "Unexpected", error: Cause.pretty(cause) } as const
  if (failure._tag === "NotServing") {
    const { lag, position, reason } = failure
    return { _tag: "NotServing", reason, ...(position === undefined ? {} : { position, lag: lag ?? 0 }) } as const
  }
  const error = `${failure._tag}: ${failure.message}`
  const isOpen = failure._tag === "ViewStoreError" && failure.isRetryable
  return { _tag: isOpen ? "Unavailable" : "Unexpected", error } as const
}

/** Writes down what a process of a version observes. An answer that takes longer than the patience, in milliseconds, is a problem. */
export const observing = (version: Version, file: string, patience: number) => {
  const note = (line: Observed) => Effect.sync(() => write(file, line))

  /** Reads once, and writes the answer down. */
  const read = (view: OfView, how: "keys" | "query", waited?: number) =>
    Effect.gen(function* () {
      const of = { version, view: view.name, sentAt: now() }
      const line = yield* (how === "keys" ? byKey(view) : byQuery(view)).pipe(
        Effect.matchCause({
          onSuccess: ({ states, ...read }): Observed => ({
            ...{ _tag: "Read", ...of, at: now(), ...read },
            states: Object.fromEntries(states) as Readonly<Record<string, State>>,
            ...(waited === undefined ? {} : { waited })
          }),
          onFailure: (cause): Observed => ({ ...of, at: now(), ...failureOf(cause) })
        }),
        Effect.timeoutOrElse({
          duration: patience,
          orElse: () =>
            Effect.sync((): Observed => ({
              ...{ _tag: "Unexpected", ...of, at: now() },
              error: `no answer in ${patience} ms`
            }))
        })
      )
      yield* note(line)
    })

  /** Waits until a view has the events up to a position, and then reads it. */
  const waitAndRead = (view: OfView, position: number) =>
    Effect.gen(function* () {
      const of = { version, view: view.name, sentAt: now() }
      const unavailable = (error: { readonly message: string }) =>
        note({ _tag: "Unavailable", ...of, at: now(), error: error.message })
      yield* Projection.waitUntil(view, position, { timeout: 2 * patience }).pipe(
        Effect.andThen(read(view, "keys", position)),
        Effect.catch((error) =>
          error._tag === "ViewStoreError" && error.isRetryable
            ? unavailable(error)
            : note({ _tag: "Unexpected", ...of, at: now(), error: `${error._tag}: ${error.message}` })
        )
      )
    })

  return {
    note,
    waitAndRead,
    /** Reads the views at random for as long as the process lives. */
    reading: (views: ReadonlyArray<OfView>, random: Random) =>
      Effect.forever(
        Effect.suspend(() =>
          Effect.andThen(
            read(views[below(random, views.length)]!, random() < 0.6 ? "keys" : "query"),
            Effect.sleep(10 + below(random, 20))
          )
        )
      )
  }
}

/** The port `ViewStore` over the records of a past moment. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { InvalidCursor } from "../../../domain/errors.ts"
import type * as Query from "../../../domain/Query.ts"
import { cursorFor } from "../../../domain/query/cursor.ts"
import type * as View from "../../../domain/View.ts"
import { type CommitConflict, type EventStoreError, NotServing, ViewStoreError } from "../../../ports/errors.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import type { Status } from "../../../ports/generation.ts"
import * as QueryAnswer from "../../views/QueryAnswer.ts"
import { Rejected } from "../../../ports/Reason.ts"
import type { Loaded, Version, ViewStore } from "../../../ports/ViewStore.ts"
import type { Cut } from "../../events/moment.ts"
import type { ProjectionFailed } from "../../views/errors.ts"
import { allEvents, eventsOfKeys } from "./events.ts"
import { fold } from "./fold.ts"
import { inMemory, limited, type MemoryRecords, type PastRecords } from "./records.ts"
import { type Stores, temporary, type TemporaryRecords } from "./temporary.ts"

/** How far the records of a past moment have been folded. */
export interface Progress {
  /** The name of the view. */
  readonly view: string
  /** The position up to which the events are folded. */
  readonly position: number
  /** The position at which it ends. */
  readonly upTo: number
  /** The number of events that were folded. */
  readonly events: number
  /** Whether the records are written to a temporary generation, because they do not fit into memory. */
  readonly isTemporary: boolean
}

/** How the records of a past moment are folded. */
export interface FoldOptions {
  /**
   * The bytes of JSON that the records of one view may take in memory. If there are more, they are folded anew into a
   * temporary generation of the view store. 64 MiB by default; 0 uses a temporary generation at once.
   */
  readonly bytesInMemory?: number
  /** Is run after each batch of events while all records of a view are folded. */
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
}

/** What the records are made of, and where they go. */
export interface Past extends FoldOptions, Stores {
  readonly events: EventStore["Service"]
  readonly cut: Cut
  /** Temporary generations are deleted when it closes. */
  readonly scope: Scope.Scope
}

type Store = ViewStore["Service"]

/** A view store that has the records of some views as they were at a moment. Nothing is folded before it is asked for. */
export const pastStore = (views: ReadonlyArray<View.Any>, given: Past): Store => {
  // A program that reads one moment may read another one inside.
  const past = { ...given, views: presentOf.get(given.views) ?? given.views }
  const known = new Map(views.map((view) => [`${view.name} ${view.version}`, pastOf(view, past)]))
  const find = ({ version, view }: Version): Effect.Effect<PastOfView, NotServing> => {
    const found = known.get(`${view} ${version}`)
    return found === undefined
      ? Effect.fail(new NotServing({ view, version, reason: "unbuilt" }))
      : Effect.succeed(found)
  }
  const query = (query: Query.Query | Query.Count | Query.Groups, version: number) =>
    Effect.flatMap(find({ view: query.view, version }), (found) => found.query(query))
  const store: Store = {
    load: (of, keys) => Effect.flatMap(find(of), (found) => found.load(keys)),
    query: query as Store["query"],
    status: Effect.succeed(views.map((view) => statusOf(view, past.cut)))
  }
  presentOf.set(store, past.views)
  return store
}

// The view store with the records of today, for each one with those of a moment.
const presentOf = new WeakMap<Store, Store>()

interface PastOfView {
  readonly load: (keys: ReadonlyArray<string>) => Effect.Effect<Loaded, ViewStoreError>
  readonly query: (
    query: Query.Query | Query.Count | Query.Groups
  ) => Effect.Effect<QueryAnswer.Answer, InvalidCursor | ViewStoreError>
}

/** All records of a view. */
type Whole = MemoryRecords | TemporaryRecords

/** Why records of the past cannot be folded, or read. */
type Failure = CommitConflict | EventStoreError | NotServing | ProjectionFailed | ViewStoreError

const pastOf = (view: View.Any, past: Past): PastOfView => {
  const { cut, events, views } = past
  const one = Semaphore.makeUnsafe(1)
  let whole: Whole | undefined

  // Who asks while the records are folded waits for them. If that is interrupted, the next one begins anew.
  const all = one.withPermit(
    Effect.suspend(() =>
      whole === undefined
        ? Effect.tap(foldAll(view, past), (made) => Effect.sync(() => void (whole = made)))
        : Effect.succeed(whole)
    )
  )
  const some = Effect.fnUntraced(function* (keys: ReadonlyArray<string>): Effect.fn.Return<States, Failure> {
    const records = inMemory()
    for (const each of eventsOfKeys(view, keys, events, cut)) {
      yield* fold({ view, history: cut.history, events: each.events, keys: new Set(each.keys), records })
    }
    return records.states
  })
  const statesOf = (keys: ReadonlyArray<string>): Effect.Effect<States, Failure> => {
    if (whole === undefined) return some(keys)
    return "states" in whole ? Effect.succeed(whole.states) : Effect.map(whole.load(keys), ({ states }) => states)
  }
  return {
    load: (keys) =>
      Effect.suspend(() => statesOf(keys)).pipe(
        Effect.map((states) => ({ states: only(states, keys), positions: [cut.upTo] })),
        Effect.mapError(failed("load", view))
      ),
    query: (query) =>
      Effect.flatMap(Effect.mapError(all, failed("query", view)), (records) =>
        "states" in records
          ? Effect.flatMap(Clock.Clock, (clock) =>
              Effect.fromResult(QueryAnswer.of(query, records.states, () => clock.currentTimeMillisUnsafe()))
            )
          : askTemporary(view, query, records, views)
      )
  }
}

type States = ReadonlyMap<string, Schema.Json>

const only = (states: States, keys: ReadonlyArray<string>): States =>
  new Map(keys.flatMap((key) => (states.has(key) ? [[key, states.get(key)!]] : [])))

const foldAll = (view: View.Any, past: Past): Effect.Effect<Whole, Failure> => {
  const { bytesInMemory = 64 << 20, cut, events, onProgress, scope } = past
  const folding = Effect.fnUntraced(function* <E>(records: PastRecords<E>, isTemporary: boolean) {
    let folded = 0
    const told = (position: number) =>
      onProgress?.({ view: view.name, position, upTo: cut.upTo, events: folded, isTemporary }) ?? Effect.void
    yield* fold({
      view,
      history: cut.history,
      events: allEvents(view, events, cut),
      records,
      onBatch: (batch) => {
        folded += batch.events
        return told(batch.position)
      }
    })
    yield* told(cut.upTo)
  })
  const stored = Effect.gen(function* () {
    const own = yield* Scope.fork(scope)
    return yield* temporary(view, cut, past).pipe(
      Scope.provide(own),
      Effect.tap((records) => Effect.andThen(folding(records, true), records.complete)),
      Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(own, exit) : Effect.void))
    )
  })
  if (bytesInMemory === 0) return stored
  const memory = inMemory()
  return folding(limited(memory, bytesInMemory), false).pipe(
    Effect.as<Whole>(memory),
    Effect.catchTag("TooLarge", () => stored)
  )
}

// The store knows the records by another name, and a cursor holds for the queries of one name.
const askTemporary = (
  view: View.Any,
  query: Query.Query | Query.Count | Query.Groups,
  records: TemporaryRecords,
  views: ViewStore["Service"]
): Effect.Effect<QueryAnswer.Answer, InvalidCursor | ViewStoreError> =>
  Effect.gen(function* (): Effect.fn.Return<QueryAnswer.Answer, InvalidCursor | NotServing | ViewStoreError> {
    const version = 1
    if (query._tag === "Count") return yield* views.query({ ...query, view: records.view }, version)
    if (query._tag === "Groups") return yield* views.query({ ...query, view: records.view }, version)
    const renamed = { ...query, view: records.view }
    const after = yield* Effect.fromResult(cursorFor(renamed, query))
    const { after: _, ...first } = renamed
    const page = yield* views.query(after === undefined ? first : { ...first, after }, version)
    if (page.next === undefined) return page
    return { ...page, next: yield* Effect.fromResult(cursorFor(query, { ...renamed, after: page.next })) }
  }).pipe(Effect.catchTags({ NotServing: (gone) => Effect.fail(failed("query", view)(gone)) }))

/** What `ViewStore` says of an error of the fold. */
const failed =
  (operation: "load" | "query", { name: view }: View.Any) =>
  (error: CommitConflict | EventStoreError | NotServing | ProjectionFailed | ViewStoreError): ViewStoreError => {
    if (error._tag === "ViewStoreError") return error
    if (error._tag === "EventStoreError") return new ViewStoreError({ operation, view, reason: error.reason })
    const detail =
      error._tag === "ProjectionFailed"
        ? error.message
        : "its records of a past moment are gone: the process did not renew their lease in time. Fold them again"
    return new ViewStoreError({ operation, view, reason: new Rejected({ detail, cause: error }) })
  }

const statusOf = ({ fingerprint, name, version }: View.Any, { history, upTo: position }: Cut): Status => ({
  view: name,
  version,
  build: 1,
  position,
  parts: [
    { epoch: 0, position, history, owner: undefined, unownedFor: undefined, failure: undefined, throughput: undefined }
  ],
  serves: true,
  replaced: false,
  inline: false,
  changes: 0,
  fingerprint
})

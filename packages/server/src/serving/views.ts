/** Views as a front reads them: the rules are part of every query, and the records are the JSON that the store keeps. */
import {
  type Api,
  type EventStore,
  type EventStoreError,
  type InvalidCursor,
  type NotServing,
  type Policy,
  Query,
  type ViewStore,
  type ViewStoreError
} from "@hexfold/core"
import { StoredRecords } from "@hexfold/core/adapter"
import { Effect, Result, Schema, Stream } from "effect"
import { type Forbidden, InvalidRequest, NotFound, type Unauthenticated } from "../errors.ts"
import { membersOf } from "./declared.ts"
import { errorsIn } from "./failures.ts"
import { remembering } from "./recentReads.ts"
import { guardedOf, isVisible, restricted, shownState, type Visible, visibleFields, visibleTo } from "./visibility.ts"

/** Who reads which view. */
interface Asked {
  readonly caller: Policy.Caller | undefined
  readonly view: string
  /** The fields that are wanted, if that is known: one that the caller may not see is refused, and not left out. */
  readonly wanted?: ReadonlyArray<Query.Path>
}

/** A question to a view: the JSON of a query. */
interface Question extends Asked {
  readonly query: unknown
}

/** A record by its key. */
interface KeyRequest extends Asked {
  readonly key: string
}

/** A page of records as JSON. */
type PageJson = Query.Page<Schema.Json>

/** Why a view does not answer. */
export type ReadFailure =
  | Unauthenticated
  | Forbidden
  | NotFound
  | InvalidRequest
  | InvalidCursor
  | NotServing
  | ViewStoreError

/** Results as they come. */
type Live<A> = Stream.Stream<A, ReadFailure | EventStoreError, EventStore.EventStore | ViewStore.ViewStore>

/** Reads the views of an API. */
export interface Views {
  /** Whether the caller may read the view, and the fields that are wanted. */
  readonly check: (asked: Asked) => Effect.Effect<void, ReadFailure>
  readonly page: (question: Question) => Effect.Effect<PageJson, ReadFailure, ViewStore.ViewStore>
  readonly groups: (
    question: Question
  ) => Effect.Effect<ReadonlyArray<Query.GroupValues>, ReadFailure, ViewStore.ViewStore>
  /** The records under some keys, without those that are not there or that the caller may not see. */
  readonly records: (
    asked: Asked & { readonly keys: ReadonlyArray<string> }
  ) => Effect.Effect<ReadonlyMap<string, Schema.Json>, ReadFailure, ViewStore.ViewStore>
  /** One record. A record that the caller may not see does not exist. */
  readonly record: (request: KeyRequest) => Effect.Effect<Schema.Json, ReadFailure, ViewStore.ViewStore>
  /** Live results. What is wrong with the question fails before there is a stream. */
  readonly live: (question: Question) => Effect.Effect<Live<PageJson>, ReadFailure>
  /** One record as it changes. It is undefined while the record does not exist, or the caller may not see it. */
  readonly liveRecord: (request: KeyRequest) => Effect.Effect<Live<Schema.Json | undefined>, ReadFailure>
}

export const viewsOf = (api: Api.Any): Views => {
  const allLimits = api.limits as Readonly<Record<string, Query.QueryLimits<never> | undefined>>
  const guards = new Map(
    Array.from(membersOf(api).views, ([name, view]) => {
      const guarded = guardedOf(view, api)
      // A message about a query is made before it is known what the caller may see.
      const unnamed = Object.keys(guarded.rules.fields ?? {})
      const limits = { ...allLimits[name], unnamed } as Query.QueryLimits<never>
      return [
        name,
        {
          ...guarded,
          query: remembering(Schema.decodeUnknownResult(Query.schemaFor(view as never, limits)) as Reads<Query.Query>),
          groups: remembering(
            Schema.decodeUnknownResult(Query.groupsSchemaFor(view as never, limits)) as Reads<Query.Groups>
          )
        }
      ] as const
    })
  )

  // One generator function for all requests: to make one for each takes 3 to 5 µs.
  const opened = Effect.fnUntraced(function* ({ caller, view: name, wanted = [] }: Asked) {
    const guarded = guards.get(name)
    if (guarded === undefined) return yield* new NotFound({ what: `view ${name}` })
    const visible = yield* visibleTo(guarded, caller)
    yield* visibleFields(guarded.view, wanted, visible)
    return { guarded, view: guarded.view, visible }
  })

  const asked = Effect.fnUntraced(function* (question: Question) {
    const { guarded, view, visible } = yield* opened(question)
    const query = yield* read(guarded.query, question.query)
    return { view, visible, query: yield* restricted(view, query, visible) }
  })

  const records: Views["records"] = ({ keys, ...request }) =>
    Effect.gen(function* () {
      const { view, visible } = yield* opened(request)
      const found = yield* StoredRecords.get(view, keys)
      return new Map(
        [...found]
          .filter(([key, state]) => isVisible(view, key, state, visible))
          .map(([key, state]) => [key, shownState(state, visible)])
      )
    })

  return {
    check: (request) => Effect.asVoid(opened(request)),

    page: Effect.fnUntraced(function* (question: Question) {
      const { query, view, visible } = yield* asked(question)
      return shownPage(yield* StoredRecords.query(view, query), visible)
    }),

    groups: (question) =>
      Effect.gen(function* () {
        const { guarded, view, visible } = yield* opened(question)
        const query = yield* read(guarded.groups, question.query)
        return yield* StoredRecords.groups(view, yield* restricted(view, query, visible))
      }),

    records,

    record: ({ key, ...request }) =>
      Effect.gen(function* () {
        const state = (yield* records({ ...request, keys: [key] })).get(key)
        return state === undefined ? yield* new NotFound({ what: `record ${key} of ${request.view}` }) : state
      }),

    live: (question) =>
      Effect.map(asked(question), ({ query, view, visible }) => {
        const pages = StoredRecords.live(view, query, { pace })
        // A change of what the caller may not see is no change.
        return visible.hidden.length === 0
          ? pages
          : Stream.changesWith(
              Stream.map(pages, (page) => shownPage(page, visible)),
              isSame
            )
      }),

    liveRecord: ({ key, ...request }) =>
      Effect.map(opened(request), ({ view, visible }) =>
        StoredRecords.liveRecord(view, key, { pace }).pipe(
          Stream.map((state) =>
            state !== undefined && isVisible(view, key, state, visible) ? shownState(state, visible) : undefined
          ),
          Stream.changesWith(isSame)
        )
      )
  }
}

const isSame = <A>(a: A, b: A): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** The least time between two live results, in milliseconds: a watcher gets at most ten a second. */
export const pace = 100

type Reads<Q> = (given: unknown) => Result.Result<Q, Schema.SchemaError>

const read = <Q>(decode: Reads<Q>, given: unknown): Effect.Effect<Q, InvalidRequest> => {
  const query = decode(given)
  return Result.isSuccess(query)
    ? Effect.succeed(query.success)
    : Effect.fail(new InvalidRequest({ part: "query", detail: query.failure.message, errors: errorsIn(query.failure) }))
}

// A page of which nothing is hidden stays the same object: what is made of it once is known to all who get it.
const shownPage = (page: PageJson, visible: Visible): PageJson =>
  visible.hidden.length === 0
    ? page
    : StoredRecords.remade(page, {
        ...page,
        rows: page.rows.map(({ key, state }) => ({ key, state: shownState(state, visible) }))
      })

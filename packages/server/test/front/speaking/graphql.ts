/** GraphQL, asked in the words of every front. */
import type { Query } from "@hexfold/core"
import { Effect, type Schema, type Scope } from "effect"
import type { Result } from "../../graphql/web.ts"
import { orderOf, selectionOf, stateOf, whereOf } from "./questions.ts"
import {
  type Answer,
  type Command,
  type Followed,
  type Live,
  type Page,
  refusal,
  type Refused,
  type Speaker
} from "./Speaker.ts"

/** What is sent. */
export interface Sending {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly as?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** How operations are sent. */
export interface Transport {
  readonly name: string
  readonly ask: (sending: Sending) => Effect.Effect<Result>
  /** Results, or the only one. */
  readonly follow: (sending: Sending) => Effect.Effect<Followed<Result> | Result, never, Scope.Scope>
}

type Node = Readonly<Record<string, Schema.Json>>

/** The fields of the views, for questions that select none. */
const all: Readonly<Record<string, ReadonlyArray<Query.Path>>> = {
  Accounts: [["owner"], ["balance"]],
  Owners: [["accounts"]]
}

export const graphql = ({ ask, follow, name }: Transport): Speaker => {
  const live = <A>(sending: Sending, shown: (data: never) => A): Live<A> =>
    Effect.flatMap(follow(sending), (found) =>
      "next" in found
        ? Effect.succeed({
            next: Effect.map(found.next, (result): A | Refused | undefined =>
              result === undefined ? undefined : isRefused(result) ? refused(result) : shown(result.data as never)
            )
          })
        : Effect.fail(refused(found))
    )
  const by = (view: string) => `${view.charAt(0).toLowerCase()}${view.slice(1)}`
  const byKey = (view: string, select: ReadonlyArray<Query.Path>) =>
    `($key: ID!) { record: ${by(view)}ByKey(key: $key) { key ${selectionOf(select)} } }`
  return {
    name,
    execute: (command, sent = {}) =>
      Effect.map(
        ask({
          query: mutationOf(command),
          variables: {
            id: command.id,
            input: command.fields,
            key: sent.key,
            version: sent.version,
            views: sent.waits === true ? ["Accounts", "Owners"] : undefined
          },
          as: sent.as,
          ...(sent.correlationId === undefined ? {} : { headers: { "x-correlation-id": sent.correlationId } })
        }),
        (result) =>
          isRefused(result) ? refused(result) : answerOf(result.data.answer, sent.correlationId !== undefined)
      ),
    page: (query, as) =>
      Effect.map(ask({ ...pageOf("query", query), as }), (result) =>
        isRefused(result) ? refused(result) : shownPage(query, result.data)
      ),
    record: (view, key, select, as) =>
      Effect.map(ask({ query: `query ${byKey(view, select)}`, variables: { key }, as }), (result) =>
        isRefused(result)
          ? refused(result)
          : result.data.record === null
            ? undefined
            : stateOf(result.data.record, select)
      ),
    livePage: (query, as) => live({ ...pageOf("subscription", query), as }, (data) => shownPage(query, data)),
    liveRecord: (view, key, select, as) =>
      live(
        { query: `subscription ${byKey(view, select)}`, variables: { key }, as },
        ({ record }: { readonly record: Node | null }): Schema.Json =>
          record === null ? null : stateOf(record, select)
      ),
    feed: ({ after, types }, as) =>
      live(
        {
          query: `subscription ($after: ID, $types: [String!]) { events(after: $after, types: $types) { meta { cursor type streamId } } }`,
          variables: { after, types: types?.split(",") },
          as
        },
        ({ events: { meta } }: { readonly events: { readonly meta: Happened } }) => meta
      ),
    linked: (as) =>
      Effect.map(ask({ query: `{ accounts { nodes { key ownerRecord { accounts } } } }`, as }), (result) =>
        isRefused(result)
          ? refused(result)
          : (result.data.accounts.nodes as ReadonlyArray<{ readonly key: string; readonly ownerRecord: Node }>).map(
              ({ key, ownerRecord }) => [key, ownerRecord["accounts"]] as const
            )
      )
  }
}

type Happened = Readonly<Record<"cursor" | "type" | "streamId", string>>

const isRefused = ({ errors }: Result): boolean => errors !== undefined

const refused = ({ errors }: Result): Refused => refusal(String(errors![0]!.extensions["code"]))

const mutationOf = ({ id, name }: Command): string => {
  const field = id === undefined ? "transfer" : `account${name}`
  const type = id === undefined ? "Transfer" : `Account${name}`
  const receipt = id === undefined ? "TransferReceipt" : "AccountReceipt"
  const [parameters, given, version, conflict] =
    id === undefined
      ? ["", "", "", ""]
      : [
          "$id: String!, $version: Int, ",
          "id: $id, expectedVersion: $version, ",
          "version",
          "... on VersionConflict { expected actual }"
        ]
  const overdrawn = name === "Withdraw" || name === "Transfer" ? "... on Overdrawn { balance }" : ""
  return `mutation (${parameters}$input: ${type}Input!, $key: ID, $views: [ViewName!]) {
    answer: ${field}(${given}input: $input, commandId: $key, waitFor: $views) {
      __typename
      ... on ${receipt} { ${version} repeated late events { ... on RecordedEvent { meta { type actor correlationId } } } }
      ${conflict} ${overdrawn}
    }
  }`
}

const answerOf = (
  { __typename: type, events, ...facts }: Readonly<Record<string, unknown>>,
  showsTalk: boolean
): Answer => {
  if (!String(type).endsWith("Receipt")) return { is: String(type), ...facts }
  const shown = (events ?? []) as ReadonlyArray<{ readonly meta: Readonly<Record<string, unknown>> }>
  return {
    is: "receipt",
    ...facts,
    events: shown.map(({ meta: { actor, correlationId, type } }) => ({
      type,
      actor,
      ...(showsTalk ? { correlationId } : {})
    }))
  }
}

const fieldsOf = ({ select, view }: Query.Query): ReadonlyArray<Query.Path> => select ?? all[view]!

/** A question for a page. */
export const pageOf = (kind: "query" | "subscription", query: Query.Query): Sending => {
  const { after, limit, orderBy, total, view, where } = query
  const [types, args] =
    view === "Owners"
      ? ["", ""]
      : [`$where: ${view}Filter, $orderBy: [${view}Order!], `, "where: $where, orderBy: $orderBy, "]
  return {
    query: `${kind} (${types}$first: Int! = 20, $after: String) {
      page: ${view.charAt(0).toLowerCase()}${view.slice(1)}(${args}first: $first, after: $after) {
        nodes { key ${selectionOf(fieldsOf(query))} } pageInfo { hasNextPage endCursor } ${total === true ? "totalCount" : ""}
      }
    }`,
    variables: {
      ...(where === undefined ? {} : { where: whereOf(where) }),
      orderBy: orderBy.map(orderOf),
      ...(limit === undefined ? {} : { first: limit }),
      ...(after === undefined ? {} : { after })
    }
  }
}

interface Connection {
  readonly nodes: ReadonlyArray<Node & { readonly key: string }>
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
  readonly totalCount?: number
}

const shownPage = (query: Query.Query, { page }: { readonly page: Connection }): Page => {
  const { nodes, pageInfo, totalCount } = page
  const rows = nodes.map((node) => ({ key: node.key, state: stateOf(node, fieldsOf(query)) }))
  return {
    rows,
    ...(pageInfo.hasNextPage ? { next: pageInfo.endCursor! } : {}),
    ...(totalCount === undefined ? {} : { total: totalCount })
  }
}

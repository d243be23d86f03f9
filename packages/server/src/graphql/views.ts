/** Views in GraphQL: pages and records, once and live, with the records to which they lead. */
import type { Api, Query } from "@hexfold/core"
import { Effect, type Schema, Stream } from "effect"
import {
  type FieldNode,
  type GraphQLFieldConfigArgumentMap,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString
} from "graphql"
import { type AnyView, membersOf } from "../serving/declared.ts"
import { keyAt, type Link } from "../serving/links.ts"
import { pace, type Views, viewsOf } from "../serving/views.ts"
import { paced } from "../web/liveStreams.ts"
import type { Types } from "./building.ts"
import { live, loaderOf, type Operation } from "./context.ts"
import { selectedBelow } from "./documents/selection.ts"
import { PageInfo, required } from "./fixed.ts"
import { groupsField } from "./groups.ts"
import { hasLinks, knownView, type KnownView, wantedIn, whole } from "./knownViews.ts"
import { type Asked, withAnswer } from "./plans/answering.ts"
import { lowerFirst, nameOf } from "./types/names.ts"
import type { Fields } from "./types/outputs.ts"
import { SafeInt } from "./types/scalars.ts"
import type { FieldShape } from "./types/shape.ts"
import { isGiven, shownField } from "./types/values.ts"

type Row = Query.Row<Schema.Json>

/** A field of the root, with what it belongs to. */
type RootField = readonly [origin: string, name: string, field: Fields[string]]

/** What a client asks of a view. */
interface Arguments {
  readonly key: string
  readonly where?: unknown
  readonly orderBy?: unknown
  readonly first: number
  readonly after?: string | null
}

/** The fields of the root for views. */
export const viewFieldsOf = (
  api: Api.Any,
  types: Types
): { readonly queries: ReadonlyArray<RootField>; readonly subscriptions: ReadonlyArray<RootField> } => {
  const views = new ViewFields(api, types)
  const all = [...membersOf(api).views.values()].map((view) => views.of(view))
  return {
    queries: all.flatMap(({ queries }) => queries),
    subscriptions: all.flatMap(({ subscriptions }) => subscriptions)
  }
}

class ViewFields {
  readonly #types: Types
  readonly #views: Views
  readonly #known = new Map<string, KnownView>()
  readonly #pages = new WeakMap<ReadonlyArray<FieldNode>, SelectedPage>()

  constructor(api: Api.Any, types: Types) {
    this.#types = types
    this.#views = viewsOf(api)
    for (const view of membersOf(api).views.values()) this.#known.set(view.name, knownView(view, api, types))
  }

  of({ name }: AnyView) {
    const known = this.#known.get(name)!
    const { asking, defaultLimit } = known
    const origin = `the view ${name}`
    const record = this.#record(known)
    const connection = new GraphQLNonNull(this.#connection(known, record))
    const args: GraphQLFieldConfigArgumentMap = {
      ...(asking.where === undefined ? {} : { where: { type: asking.where } }),
      ...(asking.order === undefined ? {} : { orderBy: { type: new GraphQLList(new GraphQLNonNull(asking.order)) } }),
      first: { type: new GraphQLNonNull(GraphQLInt), default: { value: defaultLimit } },
      after: { type: GraphQLString, description: "The endCursor of a page of the same question." }
    }
    const keyed = { type: record, args: { key: { type: new GraphQLNonNull(GraphQLID) } } }
    const [list, byKey] = [lowerFirst(name), `${lowerFirst(name)}ByKey`]
    const queries: ReadonlyArray<RootField> = [
      [
        origin,
        list,
        withAnswer({ type: connection, args }, (given, operation, asked) =>
          this.#views.page(this.#question(known, operation, given as Arguments, asked))
        )
      ],
      [
        origin,
        byKey,
        withAnswer(keyed, (given, operation, asked) =>
          Effect.tryPromise({
            try: () => this.#byKey(known, operation, (given as Arguments).key, asked),
            catch: (thrown) => thrown
          })
        )
      ]
    ]
    const groups: ReadonlyArray<RootField> =
      known.canCount && asking.fields.length > 0
        ? [[origin, `${list}Groups`, groupsField(known, this.#types, this.#views)]]
        : []
    const subscriptions: ReadonlyArray<RootField> = [
      [
        origin,
        list,
        {
          type: connection,
          args,
          subscribe: (_, given, context, info) => {
            const operation = context as Operation
            const question = this.#question(known, operation, given as Arguments, info)
            const isShared = !hasLinks(known, info.fieldNodes, info)
            return operation.run(
              Effect.map(this.#views.live(question), (pages) => live(paced(pages, pace), operation.services, isShared))
            )
          },
          resolve: (page) => page
        }
      ],
      [
        origin,
        byKey,
        {
          ...keyed,
          subscribe: (_, given, context, info) => {
            const { caller, run, services } = context as Operation
            const { key } = given as Arguments
            const { paths } = wantedIn(known, selectedBelow(info.fieldNodes, info), info)
            return run(
              Effect.map(this.#views.liveRecord({ caller, view: name, key, wanted: paths }), (states) =>
                live(
                  paced(
                    Stream.map(states, (state) => (state === undefined ? null : { key, state })),
                    pace
                  ),
                  services
                )
              )
            )
          },
          resolve: (row) => row
        }
      ]
    ]
    return { queries: [...queries, ...groups], subscriptions }
  }

  #record({ fields, links, view: { name } }: KnownView): GraphQLObjectType {
    const origin = `the records of ${name}`
    const type = `${nameOf(name)}Record`
    return this.#types.names.claim(type, origin, origin, () => {
      for (const as of links.keys()) {
        if (fields.has(as)) throw new Error(`${name}: a link and a field have one name in GraphQL, ${as}`)
      }
      return new GraphQLObjectType<Row>({
        name: type,
        fields: () => ({
          key: required(GraphQLID),
          ...Object.fromEntries(Array.from(fields, ([as, field]) => [as, this.#stateField(field)])),
          ...Object.fromEntries(Array.from(links, ([as, link]) => [as, this.#link(link)]))
        })
      })
    })
  }

  #stateField(field: FieldShape): Fields[string] {
    return {
      type: this.#types.outputs.at(field, field.isOptional && field.default === undefined),
      resolve: (row) =>
        field.key === whole ? shownField(field, { [whole]: (row as Row).state }) : shownField(field, (row as Row).state)
    }
  }

  #link({ path, to }: Link): Fields[string] {
    const known = this.#known.get(to)!
    return {
      type: this.#record(known),
      description: `The record of ${to} under the key at ${path.join(".")}.`,
      resolve: (row, _, context, info) => {
        const key = keyAt((row as Row).state, path)
        return key === undefined ? null : this.#byKey(known, context as Operation, key, info)
      }
    }
  }

  #connection({ canCount, view: { name } }: KnownView, record: GraphQLObjectType): GraphQLObjectType {
    const origin = `the pages of ${name}`
    const type = `${nameOf(name)}Connection`
    return this.#types.names.claim(
      type,
      origin,
      origin,
      () =>
        new GraphQLObjectType<Query.Page<Schema.Json>>({
          name: type,
          fields: {
            nodes: { ...required(new GraphQLList(new GraphQLNonNull(record))), resolve: ({ rows }) => rows },
            pageInfo: {
              ...required(PageInfo),
              resolve: ({ next }) => ({ hasNextPage: next !== undefined, endCursor: next ?? null })
            },
            ...(canCount
              ? { totalCount: { ...required(SafeInt), resolve: ({ total }: Query.Page<Schema.Json>) => total } }
              : {})
          }
        })
    )
  }

  // Whoever selects a field that it may not see is refused, so what is selected is part of what is asked.
  async #byKey(known: KnownView, operation: Operation, key: string, asked: Asked): Promise<Row | null> {
    const { name } = known.view
    const { paths } = wantedIn(known, selectedBelow(asked.fieldNodes, asked), asked)
    // The record is asked for at once, so that those of one moment are read together.
    const [state] = await Promise.all([
      loaderOf(operation, this.#views, name)(key),
      operation.run(this.#views.check({ caller: operation.caller, view: name, wanted: paths }))
    ])
    return state === undefined ? null : { key, state }
  }

  #question(known: KnownView, { caller }: Operation, args: Arguments, asked: Asked) {
    const { asking, view } = known
    const { after, first, orderBy, where } = args
    const { hasTotal, paths, select } = this.#pageOf(known, asked)
    const query = {
      _tag: "Records",
      view: view.name,
      ...(isGiven(where) ? { where: asking.filterOf(where) } : {}),
      orderBy: isGiven(orderBy) ? asking.orderOf(orderBy) : [],
      limit: first,
      ...(isGiven(after) ? { after } : {}),
      ...(hasTotal ? { total: true } : {}),
      ...(select === undefined ? {} : { select })
    }
    return { caller, view: view.name, query, wanted: paths }
  }

  // What is fixed is found once for a document.
  #pageOf(known: KnownView, asked: Asked): SelectedPage {
    const found = asked.isFixed === true ? this.#pages.get(asked.fieldNodes) : undefined
    if (found !== undefined) return found
    const selected = selectedBelow(asked.fieldNodes, asked)
    const { paths, read } = wantedIn(known, selectedBelow(selected.get("nodes") ?? [], asked), asked)
    const page = { paths, select: isWhole(known, read) ? undefined : read, hasTotal: selected.has("totalCount") }
    if (asked.isFixed === true) this.#pages.set(asked.fieldNodes, page)
    return page
  }
}

/** What is selected of a page. */
interface SelectedPage {
  /** The paths that the operation names. */
  readonly paths: ReadonlyArray<Query.Path>
  /** The paths that the store is asked for; undefined for whole states. */
  readonly select: ReadonlyArray<Query.Path> | undefined
  readonly hasTotal: boolean
}

// The store gives a whole state faster than all of its fields.
const isWhole = ({ fields }: KnownView, read: ReadonlyArray<Query.Path>): boolean =>
  read.length === 0 ||
  read.length > mostSelected ||
  read.some((path) => path.length === 0) ||
  Array.from(fields.values()).every(({ key }) => read.some((path) => path.length === 1 && path[0] === key))

/** The most fields that are named one by one to the store. With more the whole state is read. */
const mostSelected = 50

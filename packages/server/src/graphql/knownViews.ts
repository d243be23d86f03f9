/** What a schema knows of a view: the fields of its records, and what can be asked of them. */
import type { Api, Query } from "@hexfold/core"
import type { FieldNode } from "graphql"
import { type AnyView, pathIn } from "../serving/declared.ts"
import { type Link, linksIn } from "../serving/links.ts"
import type { Types } from "./building.ts"
import { selectedBelow, type Selecting, type Wanted, wantedOf } from "./documents/selection.ts"
import type { Asking } from "./types/filters.ts"
import { besides, distinct, nameOf } from "./types/names.ts"
import { type FieldShape, isTag, type Slot } from "./types/shape.ts"

/** A view as a schema has it. */
export interface KnownView {
  readonly view: AnyView
  readonly asking: Asking
  readonly canCount: boolean
  readonly defaultLimit: number
  /** The fields of a record that are those of its state, by their names. */
  readonly fields: ReadonlyMap<string, FieldShape>
  readonly links: ReadonlyMap<string, Link>
}

/** A view as a schema has it. */
export const knownView = (view: AnyView, api: Api.Any, { filters, shapes }: Types): KnownView => {
  const { name, schemas } = view
  const stateAs = (own: string) => shapes.of(schemas.state, { name: own, words: name, isFixed: true })
  const object = stateAs(nameOf(name))
  // A state that is no object is a type of its own beside the record.
  const state = object.shape.kind === "struct" ? object : stateAs(`${nameOf(name)}Value`)
  const limits = (api.limits[name] ?? {}) as Limits
  return {
    view,
    asking: filters.of(nameOf(name), state.shape, allowedBy(view, limits)),
    canCount: limits.scan === true,
    defaultLimit: limits.defaultLimit ?? Math.min(20, limits.maxLimit ?? 100),
    fields: recordFields(name, state),
    links: new Map(
      linksIn(api)
        .filter(({ from }) => from === name)
        .map((link) => [nameOf(link.as), link])
    )
  }
}

/** The fields of the state that are selected of records. */
export const wantedIn = (
  { fields, links }: KnownView,
  selected: ReturnType<typeof selectedBelow>,
  info: Selecting
): Wanted => {
  const found = Array.from(selected, ([name, nodes]): Wanted => {
    const link = links.get(name)
    if (link !== undefined) return { paths: [link.path], read: [link.path] }
    const field = fields.get(name)
    if (field === undefined) return { paths: [], read: [] }
    if (field.key !== whole) return wantedOf(field, nodes, info)
    const { paths } = wantedOf(field, nodes, info)
    return { paths: paths.map((path) => path.slice(1)).filter((path) => path.length > 0), read: [[]] }
  })
  return { paths: found.flatMap(({ paths }) => paths), read: found.flatMap(({ read }) => read) }
}

/** Whether records of links are selected on a page. They are others for another caller. */
export const hasLinks = ({ links }: KnownView, nodes: ReadonlyArray<FieldNode>, info: Selecting): boolean => {
  const records = selectedBelow(nodes, info).get("nodes") ?? []
  return [...selectedBelow(records, info).keys()].some((name) => links.has(name))
}

/** The key of a state that is no object, and stands in a field of its own. */
export const whole = "\0state"

const recordFields = (name: string, state: Slot): ReadonlyMap<string, FieldShape> => {
  const { shape } = state
  if (shape.kind !== "struct" || state.none !== "never") {
    const field = { ...state, name: "value", key: whole, isOptional: false, default: undefined }
    return new Map([["value", field]])
  }
  return distinct(
    name,
    shape.fields.filter((each) => !isTag(each)),
    (field) => besides(field.name, "key"),
    ({ key }) => `the field ${JSON.stringify(key)}`
  )
}

interface Limits {
  readonly fields?: "indexed" | "all" | ReadonlyArray<string>
  readonly scan?: boolean
  readonly maxLimit?: number
  readonly defaultLimit?: number
}

const allowedBy = (view: AnyView, { fields = "indexed" }: Limits) => {
  if (fields === "all") return () => true
  const names = fields === "indexed" ? view.indexes.flat() : fields
  const paths = names.map((name) => pathIn(view, name))
  return (path: Query.Path) => paths.some((each) => each.every((name, i) => path[i] === name))
}

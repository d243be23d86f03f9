/** Which handler of a view an event has: the part of `View.make` that runs. */
import * as StreamId from "../StreamId.ts"
import type { Tagged } from "../tagged.ts"
import type { Envelope, Source } from "./definition.ts"

export type KeyOf = (event: Tagged, envelope: Envelope<string, unknown>) => string | ReadonlyArray<string>

export type KeyTable = { readonly [name: string]: KeyOf }

/** Gives the name of the handler for an event, if there is one. */
export type NameOf = (event: Tagged, envelope: Pick<Envelope<string, unknown>, "streamId">) => string | undefined

/** The handler of one source's event comes before that of any source's, and `"*"` comes last. */
export const selector = (view: string, sources: ReadonlyArray<Source>, names: ReadonlyArray<string>): NameOf => {
  const all = sources.map((source) => ({ source: source.name, tags: [...source.schemas.events.keys()] }))
  const known = new Set(all.flatMap(({ source, tags }) => tags.flatMap((tag) => [tag, ownName(source, tag)])))
  for (const name of names) {
    if (name !== "*" && !known.has(name)) throw new Error(`${view}: no source has an event with the tag "${name}"`)
  }
  const given = new Set(names)
  const plain = new Map<string, string>()
  const own = new Map<string, string>()
  for (const { source, tags } of all) {
    for (const tag of tags) {
      const general = given.has(tag) ? tag : given.has("*") ? "*" : undefined
      if (general !== undefined) plain.set(tag, general)
      const name = ownName(source, tag)
      if (given.has(name) && name !== tag) own.set(name, name)
    }
  }
  return own.size === 0
    ? ({ _tag }) => plain.get(_tag)
    : ({ _tag }, { streamId }) => own.get(ownName(StreamId.aggregateOf(streamId), _tag)) ?? plain.get(_tag)
}

/** Whether a handler may get the events of a source with a tag. */
export const handling = (names: ReadonlyArray<string>): ((source: string, tag: string) => boolean) => {
  const given = new Set(names)
  return (source, tag) => given.has("*") || given.has(tag) || given.has(ownName(source, tag))
}

/** The tags of all events that a handler may get. */
export const typesOf = (sources: ReadonlyArray<Source>, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const types = new Set<string>()
  const tagsOf = (source: Source) => [...source.schemas.events.keys()]
  for (const name of names) {
    const handles = handling([name])
    for (const source of sources) {
      for (const tag of tagsOf(source)) if (handles(source.name, tag)) types.add(tag)
    }
  }
  return [...types]
}

/** The function that names the keys of an event. */
export const keyFunction = (
  view: string,
  key: KeyOf | KeyTable | undefined,
  sources: ReadonlyArray<Source>,
  names: ReadonlyArray<string>,
  nameOf: NameOf
): KeyOf => {
  if (key === undefined) return sources.length === 1 ? idText : wholeStreamId
  if (typeof key === "function") return key
  const keys = Object.keys(key)
  const missing = names.find((name) => !keys.includes(name))
  if (missing !== undefined) throw new Error(`${view}: its key lacks "${missing}", for which evolve has a handler`)
  const surplus = keys.find((name) => !names.includes(name))
  if (surplus !== undefined) throw new Error(`${view}: its key has "${surplus}", for which evolve has no handler`)
  return (event, envelope) => key[nameOf(event, envelope)!]!(event, envelope)
}

const ownName = (source: string, tag: string): string => `${source}/${tag}`

const idText: KeyOf = (_event, { streamId }) => streamId.slice(streamId.indexOf("-") + 1)

// The ids of two aggregates may be equal.
const wholeStreamId: KeyOf = (_event, { streamId }) => streamId

/** Throws for a definition that cannot be a view's. */
export const check = (name: string, version: number, sources: ReadonlyArray<Source>, kind = "view"): void => {
  if (!StreamId.isAggregateName(name)) {
    throw new Error(
      `"${name}" cannot be the name of a ${kind}: a name starts with a letter, continues with letters, digits and "_", and has at most 100 characters`
    )
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new Error(`${name}: its version must be a whole number from 1 on, and is ${version}`)
  }
  const names = new Set<string>()
  for (const source of sources) {
    if (names.has(source.name)) throw new Error(`${name}: two of its sources are called "${source.name}"`)
    names.add(source.name)
  }
}

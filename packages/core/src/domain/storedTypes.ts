/** How events are read that this program writes in another form, or not at all. */
import type * as Schema from "effect/Schema"
import { judge } from "./json/jsonMeaning.ts"
import { byTag, type Tagged, type TaggedSchema, tagOf, type TypeOf } from "./tagged.ts"
import type { Follows } from "./view/follows.ts"
import { type Chain, isChain, type Retired, type Version } from "./Versions.ts"

/** A kind of event or command with its versions. */
export interface Versioned {
  /** The version that this program writes, or the present one of a type that it does not write. */
  readonly version: number
  /** The versions that this program can read, from version 1 on. */
  readonly versions: ReadonlyArray<Version>
}

/** A stored type with several versions, or one that this program does not write. */
export interface StoredType<out Event> extends Versioned {
  /** What an event of the present version becomes; undefined if it is a current event itself. */
  readonly becomes: ((event: never) => Event | ReadonlyArray<Event>) | undefined
}

/** What a reader needs to know of the events of an aggregate. */
export interface Declared {
  readonly name: string
  readonly schemas: {
    /** The schemas of the current events. */
    readonly events: ReadonlyMap<string, Schema.Codec<unknown, Tagged>>
    /** The stored types that are read in another way than by the schema of a current event. */
    readonly stored: ReadonlyMap<string, StoredType<unknown>>
  }
}

/** What a publication promises to others: its name with its version, and the schemas of its public events. */
export interface Contract extends Declared {
  /** Where its messages come from, as they say it. */
  readonly source: string
}

/** What declares events of these types: an aggregate, a participant's source, or a topic. */
export interface Declaring<out Name extends string, Event extends Tagged> extends Declared {
  readonly name: Name
  readonly schemas: {
    readonly events: ReadonlyMap<Event["_tag"], Schema.Codec<Event, Tagged>>
    readonly stored: ReadonlyMap<string, StoredType<Event>>
  }
}

/** The union of the current events that are declared. It has a tag also where `D` is a type parameter. */
export type EventOf<D extends Declared> = D extends {
  readonly schemas: { readonly events: ReadonlyMap<string, { readonly Type: infer Event extends Tagged }> }
}
  ? Event
  : never

/** A kind of event or command as it is declared: in one version, or in several. */
export type Declaration = TaggedSchema | Chain<TaggedSchema>

/** The schema of the version that this program writes. */
export const currentOf = (declared: Declaration): TaggedSchema => (isChain(declared) ? declared.current : declared)

/**
 * The kinds that have several versions, by tag. Versions with different tags, and a version whose JSON has two meanings,
 * are mistakes in the program and throw.
 */
export const versionsOf = (
  name: string,
  what: "events" | "commands",
  declared: ReadonlyArray<Declaration>
): ReadonlyMap<string, StoredType<never>> => {
  const stored = new Map<string, StoredType<never>>()
  for (const each of declared) {
    if (!isChain(each) || each.versions.length === 1) continue
    const tag = tagOf(name, what, each.current)
    stored.set(tag, { version: each.version, versions: checked(name, what, tag, each.versions), becomes: undefined })
  }
  return stored
}

/** The schemas of declared events, as a reader needs them. */
export const declarationsOf = <const Events extends ReadonlyArray<Declaration>>(
  name: string,
  declared: Events,
  retired: ReadonlyArray<Retired<TypeOf<Events>>> = []
): Declaring<string, TypeOf<Events>>["schemas"] => {
  const events = byTag(name, "events", declared.map(currentOf)) as ReadonlyMap<
    TypeOf<Events>["_tag"],
    Schema.Codec<TypeOf<Events>, Tagged>
  >
  const stored = new Map<string, StoredType<TypeOf<Events>>>([
    ...versionsOf(name, "events", declared),
    ...retiredOf(name, retired, (tag) => events.has(tag))
  ])
  return { events, stored }
}

/** The types that are retired, by tag. */
const retiredOf = <Event>(
  name: string,
  retired: ReadonlyArray<Retired<Event>>,
  isCurrent: (tag: string) => boolean
): ReadonlyMap<string, StoredType<Event>> => {
  const stored = new Map<string, StoredType<Event>>()
  const what = "retired events"
  for (const { becomes, event } of retired) {
    const tag = tagOf(name, what, currentOf(event))
    if (isCurrent(tag)) throw new Error(`${name}: the event "${tag}" is current, so it cannot be retired`)
    if (stored.has(tag)) throw new Error(`${name}: two of its ${what} have the same tag "${tag}"`)
    const versions = isChain(event) ? event.versions : [{ schema: event, step: undefined }]
    stored.set(tag, {
      version: isChain(event) ? event.version : 1,
      versions: checked(name, what, tag, versions),
      becomes
    })
  }
  return stored
}

/** The same versions, if all have the tag and each has one meaning in JSON. */
export const checked = (name: string, what: string, tag: string, versions: ReadonlyArray<Version>) => {
  for (const [i, { schema }] of versions.entries()) {
    const own = tagOf(name, what, schema)
    if (own !== tag) throw new Error(`${name}: version ${i + 1} of "${tag}" has the tag "${own}"`)
    judge(`${name}, ${what} ${tag}, version ${i + 1}`, schema)
  }
  return versions
}

/** What a reader of aggregates is given that handles some of their events. */
export const followsOf = (
  sources: ReadonlyArray<Declared>,
  handles: (source: string, tag: string) => boolean
): Follows => ({
  aggregates: sources.map(({ name }) => name),
  except: Object.fromEntries(
    sources.map(({ name, schemas: { events } }) => [name, [...events.keys()].filter((tag) => !handles(name, tag))])
  )
})

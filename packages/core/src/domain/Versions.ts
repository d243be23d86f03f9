/**
 * Events and commands that change: a chain of schemas, oldest first, each with a pure function from the version before,
 * and stored types that the program no longer writes.
 *
 * Stored events are never rewritten. Each says with which version of its schema it was written, and becomes the current
 * event when it is read. So `decide`, `evolve`, views and tests see the current version alone. In the same way a command
 * of an older client becomes the current command, and a field of the metadata has its current value.
 */
import type { AnySchema, Tagged, TaggedSchema } from "./tagged.ts"

/**
 * The versions of one kind of event or command, or of a field of the metadata, made by {@link first}. It stands where a
 * schema would stand.
 */
export interface Chain<Current extends AnySchema> {
  /** Only for the type checker: the current event, command or value. */
  readonly Type: Current["Type"]
  /** The schema of the version that this program writes. */
  readonly current: Current
  /** The versions that this program can read, from version 1 on. */
  readonly versions: ReadonlyArray<Version>
  /** The number of the version that this program writes. */
  readonly version: number
}

/** One version in a {@link Chain}. */
export interface Version {
  readonly schema: AnySchema
  /** The event one version nearer to the current one: the next version of an older event, the former one of a newer event. */
  readonly step: ((event: never) => unknown) | undefined
}

/** A chain to which a version can be added. */
export interface Growing<Current extends AnySchema> extends Chain<Current> {
  /**
   * Adds the next version. It becomes the one that this program writes. `upcast` makes an event of it out of one of
   * the version before: exactly one. It sees this one event and nothing else.
   */
  readonly next: <const Next extends AnySchema>(
    schema: Next & SameTag<Current, Next>,
    upcast: (event: Current["Type"]) => NoInfer<Next["Type"]>
  ) => Growing<Next>
  /**
   * Adds a version that this program can read and does not write, because the next deployment will write it. `downcast`
   * makes an event of the present version out of it.
   */
  readonly ahead: <const Later extends AnySchema>(
    schema: Later & SameTag<Current, Later>,
    downcast: (event: Later["Type"]) => NoInfer<Current["Type"]>
  ) => Chain<Current>
}

// The value of a field of the metadata has no tag.
type SameTag<One extends AnySchema, Other extends AnySchema> = One extends TaggedSchema
  ? Other extends TaggedSchema
    ? [Other["Type"]["_tag"]] extends [One["Type"]["_tag"]]
      ? unknown
      : OtherTag<One["Type"]["_tag"]>
    : OtherTag<One["Type"]["_tag"]>
  : unknown

type OtherTag<Tag extends string> =
  `all versions have the tag ${Tag}; an event with another name needs Versions.retired, a command stands beside it`

/**
 * A kind of event in its first version. Add the later ones with `next`.
 *
 * All versions have the same tag. An event with a new name is another kind of event: see {@link retired}.
 *
 * A chain stands in the list `events` or `commands` of an aggregate, as the `command` of a boundary, or as the Schema of
 * a `Metadata.field`. A client says the version of a command in the member `_version` of its JSON. Without this member
 * it is version 1: a client that has never heard of versions sends the first one.
 *
 * @example
 * ```ts
 * import { Versions } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const DepositedV1 = Schema.TaggedStruct("Deposited", { amount: Schema.Finite })
 * class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { cents: Schema.Int, currency: Schema.String }) {}
 *
 * const DepositedVersions = Versions.first(DepositedV1).next(
 *   Deposited,
 *   ({ amount }) => new Deposited({ cents: Math.round(amount * 100), currency: "EUR" })
 * )
 *
 * DepositedVersions.version // 2
 * ```
 */
export const first = <const First extends AnySchema>(schema: First): Growing<First> =>
  growing(schema, [{ schema, step: undefined }])

const growing = <Current extends AnySchema>(current: Current, versions: ReadonlyArray<Version>): Growing<Current> => {
  // The event of the chain is there for the type checker only.
  const chain = { current, versions, version: versions.length } as Chain<Current>
  const next = (schema: AnySchema, step: Version["step"]) =>
    growing(schema, [...versions.slice(0, -1), { schema: current, step }, { schema, step: undefined }])
  const ahead = (schema: AnySchema, step: Version["step"]) => ({
    ...chain,
    versions: [...versions, { schema, step }]
  })
  return { ...chain, next, ahead } as unknown as Growing<Current>
}

/** A stored type that this program does not write, made by {@link retired}. */
export interface Retired<out Event> {
  readonly event: TaggedSchema | Chain<TaggedSchema>
  readonly becomes: (event: never) => Event | ReadonlyArray<Event>
}

/**
 * A stored type that this program does not write, and the current events that each of its events becomes when it is
 * read: none, one or several. It stands in the list `retired` of an aggregate. The function sees this one event and
 * nothing else.
 *
 * The type may be one of the past: it was renamed, divided into several events, merged with others, or it means
 * nothing any more. It may also be one that the next deployment will write, so that this program can read it.
 *
 * The events that one stored event becomes share its position, version and event id, and have a `part` each.
 *
 * @example
 * ```ts
 * import { Versions } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Paid = Schema.TaggedStruct("Paid", { cents: Schema.Int, fee: Schema.Int })
 * class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { cents: Schema.Int }) {}
 * class FeeCharged extends Schema.TaggedClass<FeeCharged>()("FeeCharged", { cents: Schema.Int }) {}
 *
 * Versions.retired(Paid, ({ cents, fee }) => [new Withdrawn({ cents }), new FeeCharged({ cents: fee })])
 * ```
 */
export const retired = <const Old extends TaggedSchema | Chain<TaggedSchema>, const Event extends Tagged = never>(
  event: Old,
  becomes: (event: Old["Type"]) => Event | ReadonlyArray<Event>
): Retired<Event> => ({ event, becomes })

/** Whether a declaration is a chain of versions and not one schema. */
export const isChain = <S extends AnySchema>(declared: S | Chain<S>): declared is Chain<S> =>
  "versions" in declared && "current" in declared

/**
 * All steps from a version to the present one, as one function. Undefined for the present version: it needs no step. Each
 * step takes what the step before gives, and the first one takes what the schema of its version decodes.
 */
export const stepsFrom = (
  versions: ReadonlyArray<Version>,
  from: number,
  present: number
): ((value: unknown) => unknown) | undefined => {
  if (from === present) return undefined
  const numbers = from < present ? range(from, present) : range(present + 1, from + 1).toReversed()
  const steps = numbers.map((number) => versions[number - 1]!.step as unknown as (value: unknown) => unknown)
  return (value) => {
    let current = value
    for (const step of steps) current = step(current)
    return current
  }
}

const range = (from: number, to: number): ReadonlyArray<number> => Array.from({ length: to - from }, (_, i) => from + i)

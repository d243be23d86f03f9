/**
 * Events that change: a chain of schemas, oldest first, each with a pure function from the version before, and stored
 * types that the program no longer writes.
 *
 * Stored events are never rewritten. Each says with which version of its schema it was written, and becomes the current
 * event when it is read. So `decide`, `evolve`, views and tests see the current version alone.
 */
import type { Tagged, TaggedSchema } from "./tagged.ts"

/** The versions of one kind of event, made by {@link first}. It stands where a schema would stand. */
export interface Chain<Current extends TaggedSchema> {
  /** Only for the type checker: the current event. */
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
  readonly schema: TaggedSchema
  /** The event one version nearer to the current one: the next version of an older event, the former one of a newer event. */
  readonly step: ((event: never) => Tagged) | undefined
}

/** A chain to which a version can be added. */
export interface Growing<Current extends TaggedSchema> extends Chain<Current> {
  /**
   * Adds the next version. It becomes the one that this program writes. `upcast` makes an event of it out of one of
   * the version before. It sees this one event and nothing else.
   */
  readonly next: <const Next extends TaggedSchema>(
    schema: Next & SameTag<Current, Next>,
    upcast: (event: Current["Type"]) => NoInfer<Next["Type"]>
  ) => Growing<Next>
  /**
   * Adds a version that this program can read and does not write, because the next deployment will write it. `downcast`
   * makes an event of the present version out of it.
   */
  readonly ahead: <const Later extends TaggedSchema>(
    schema: Later & SameTag<Current, Later>,
    downcast: (event: Later["Type"]) => NoInfer<Current["Type"]>
  ) => Chain<Current>
}

type SameTag<One extends TaggedSchema, Other extends TaggedSchema> = [Other["Type"]["_tag"]] extends [
  One["Type"]["_tag"]
]
  ? unknown
  : `all versions have the tag ${One["Type"]["_tag"]}; an event with another name needs Versions.retired`

/**
 * A kind of event in its first version. Add the later ones with `next`.
 *
 * All versions have the same tag. An event with a new name is another kind of event: see {@link retired}.
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
export const first = <const First extends TaggedSchema>(schema: First): Growing<First> =>
  growing(schema, [{ schema, step: undefined }])

const growing = <Current extends TaggedSchema>(
  current: Current,
  versions: ReadonlyArray<Version>
): Growing<Current> => {
  // The event of the chain is there for the type checker only.
  const chain = { current, versions, version: versions.length } as Chain<Current>
  const next = (schema: TaggedSchema, step: Version["step"]) =>
    growing(schema, [...versions.slice(0, -1), { schema: current, step }, { schema, step: undefined }])
  const ahead = (schema: TaggedSchema, step: Version["step"]) => ({
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
export const isChain = <S extends TaggedSchema>(declared: S | Chain<S>): declared is Chain<S> =>
  "versions" in declared && "current" in declared

/**
 * Types that refuse a field which a state or an event does not have.
 *
 * The compiler accepts a value with more fields than its type where a function
 * returns it. A misspelt field would then be dropped in silence.
 */
import type * as DateTime from "effect/DateTime"

/** A value that has an order: `gt`, `between` and the like take it. A time between the years 0 and 9999 has the order of its text. */
export type Ordered = string | number | boolean | Date | DateTime.Utc

/** A value that can be compared: `eq` and `oneOf` take it. */
export type Equatable = Ordered | bigint

/** A value that is taken as a whole: nothing looks into its fields. */
export type Leaf =
  | Equatable
  | symbol
  | null
  | undefined
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView
  | ((...args: never) => unknown)
  | { readonly pipe: (...args: never) => unknown }

/** The names of the fields that any member of a union has. */
type NamesOf<T> = T extends unknown ? keyof T : never

type HasAnyName<Name> = Name extends string ? (string extends Name ? true : false) : never

/**
 * `Open` for a type parameter and for a type with any field, otherwise `Known`.
 *
 * The compiler does not resolve a condition on a type parameter, and then
 * nothing is assignable to the condition, unless one branch can be ruled out.
 * Here one can: all that is known of the names of a type parameter is that they
 * are texts. So a helper over "any state" compiles.
 */
export type IfKnown<T, Known, Open> = [HasAnyName<NamesOf<T>>] extends [true] ? Open : Known

// The members of the union `Target` that a value may be; all of them if it is wider than each.
type Fitting<Value, Target> = [FittingMember<Value, Target>] extends [never] ? Target : FittingMember<Value, Target>

type FittingMember<Value, Target> = Target extends unknown ? (Value extends Target ? Target : never) : never

type ElementOf<T> = T extends ReadonlyArray<infer Element> ? Element : never

type FieldOf<T, Name> = T extends unknown ? (Name extends keyof T ? T[Name] : never) : never

/** The names of the fields, of `Value` and at most four levels below it, that `Target` does not have. */
type Surplus<Value, Target, Depth extends ReadonlyArray<unknown> = []> = Depth["length"] extends 5
  ? never
  : Value extends Leaf
    ? never
    : [Target] extends [Value]
      ? never
      : Value extends ReadonlyArray<infer Element>
        ? Surplus<Element, ElementOf<Target>, [...Depth, unknown]>
        : SurplusField<Value, Fitting<Value, Target>, Depth>

type SurplusField<Value, Target, Depth extends ReadonlyArray<unknown>> = {
  [Name in keyof Value & string]-?: Name extends NamesOf<Target>
    ? Surplus<Value[Name], FieldOf<Target, Name>, [...Depth, unknown]>
    : // The compiler adds fields without a value when it unites the types of several branches.
      [Exclude<Value[Name], undefined>] extends [never]
      ? never
      : Name
}[keyof Value & string]

/** `Value`, with a message in the place of each field that `Target` does not have. */
export type Exactly<Value, Target, What extends string> = IfKnown<
  Target,
  [Surplus<Value, Target>] extends [never] ? Value : Refused<Value, Target, What>,
  Value
>

// A name without a bound: the compiler would resolve the recursion above for it in every program.
type NoField<What extends string, Name> = Name extends string ? `${What} has no field ${Name}` : never

type Refused<Value, Target, What extends string> = Value extends Leaf
  ? Value
  : Value extends ReadonlyArray<infer Element>
    ? ReadonlyArray<Refused<Element, ElementOf<Target>, What>>
    : RefusedField<Value, Fitting<Value, Target>, What>

type RefusedField<Value, Target, What extends string> = [Surplus<Value, Target>] extends [never]
  ? Value
  : {
      readonly [Name in keyof Value]: Name extends NamesOf<Target>
        ? Refused<Value[Name], FieldOf<Target, Name>, What>
        : NoField<What, Name>
    }

/** The tags of a union. */
export type TagOf<T> = T extends { readonly _tag: infer Tag } ? Tag : never

/** What is wrong with an event that a decision records. */
export type EventProblem<Name extends string, Value, Event> = Value extends { readonly _tag: infer Tag extends string }
  ? string extends Tag
    ? never
    : Tag extends TagOf<Event>
      ? FieldProblem<`the event ${Tag}`, Value, Extract<Event, { readonly _tag: Tag }>>
      : IfKnown<Event, `${Name} has no event ${Tag}`, never>
  : `${Name} has no such event`

// Most events are instances of the declared class, about which there is nothing to ask.
type FieldProblem<What extends string, Value, Event> = [Event] extends [Value]
  ? Value extends Event
    ? never
    : WrongField<What, Value, Event>
  : Value extends Event
    ? [Surplus<Value, Event>] extends [infer Name extends string]
      ? `${What} has no field ${Name}`
      : never
    : WrongField<What, Value, Event>

type WrongField<What extends string, Value, Event> = {
  [Name in keyof Event & string]: Name extends keyof Value
    ? Value[Name] extends Event[Name]
      ? never
      : `${What} has another type for the field ${Name}`
    : `${What} lacks the field ${Name}`
}[keyof Event & string]

/** What is wrong with an error that rejects a command. */
export type ErrorProblem<Name extends string, Rejected, Error> = Rejected extends Error
  ? never
  : Rejected extends { readonly _tag: infer Tag extends string }
    ? string extends Tag
      ? never
      : Tag extends TagOf<Error>
        ? `the error ${Tag} lacks a field, or a field has another type`
        : `${Name} declares no error ${Tag}`
    : "an error needs a _tag: make it with Schema.TaggedError"

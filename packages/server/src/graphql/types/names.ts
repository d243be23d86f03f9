/**
 * The names of a GraphQL schema. The name of a type is made of the declaration that it belongs to, and of nothing else:
 * so what is declared besides changes no name. Two types that claim one name are an error.
 */

/** A text as a name of GraphQL: what is no letter, digit or `_` becomes `_`. */
export const nameOf = (text: string): string => {
  const name = text.replaceAll(/[^_a-zA-Z0-9]/g, "_").replace(/^__+/, "_")
  return /^[0-9]|^$/.test(name) ? `_${name}` : name
}

/** A name as the continuation of another one. */
export const upperFirst = (text: string): string => {
  const name = text.replaceAll(/[^_a-zA-Z0-9]/g, "_")
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** A name as that of a field. */
export const lowerFirst = (text: string): string => {
  const name = nameOf(text)
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The name of a value of an enum. Three words have a meaning of their own. */
export const valueNameOf = (text: string): string => {
  const name = nameOf(text)
  return name === "true" || name === "false" || name === "null" ? `_${name}` : name
}

/** A name that none of the reserved ones is. */
export const besides = (name: string, ...reserved: ReadonlyArray<string>): string =>
  reserved.includes(name) ? besides(`_${name}`, ...reserved) : name

/** The names of things that stand beside each other, such as the fields of one type. */
export const distinct = <A>(
  where: string,
  things: ReadonlyArray<A>,
  nameOfThing: (thing: A) => string,
  originOf: (thing: A) => string
): ReadonlyMap<string, A> => {
  const named = new Map<string, A>()
  for (const thing of things) {
    const name = nameOfThing(thing)
    const other = named.get(name)
    if (other !== undefined) {
      throw new Error(`${where}: ${originOf(other)} and ${originOf(thing)} have one name in GraphQL, ${name}`)
    }
    named.set(name, thing)
  }
  return named
}

/** The types of one schema, by name. */
export class TypeNames {
  readonly #claims = new Map<string, { readonly origin: string; readonly form: string; readonly value: unknown }>()

  /**
   * The type with a name. It is made once. `form` says what the type is: a second claim with the same form gets the first
   * type. Throws an `Error` if two different types claim one name.
   */
  claim<A>(name: string, origin: string, form: string, make: () => A): A {
    const claimed = this.#claims.get(name)
    if (claimed !== undefined) {
      if (claimed.form === form) return claimed.value as A
      throw new Error(
        `GraphQL has one type ${name}, but ${claimed.origin} and ${origin} are two: ` +
          `give the schema of one of them a name of its own with annotate({ identifier: … })`
      )
    }
    const value = make()
    this.#claims.set(name, { origin, form, value })
    return value
  }
}

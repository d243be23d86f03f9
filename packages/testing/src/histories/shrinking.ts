/** Histories as an Arbitrary, and the simpler ones of a history. */
import { Arbitrary, Schema } from "effect"
import { corpusOf } from "./corpus.ts"
import { generate } from "./generation.ts"
import { randomOf } from "./random.ts"
import { simplerOf, weightOf } from "./values.ts"
import { withoutStacks } from "./withoutStacks.ts"
import { type Actor, type Given, isBoundary, replayed, type Run, type Tagged } from "./world.ts"

/** Histories of some actors. They shrink: to fewer commands, and to simpler ones. */
export const historiesOf = (actors: ReadonlyArray<Actor>, steps: number): Arbitrary.Arbitrary<Run> => {
  const corpus = withoutStacks(() => corpusOf(actors, steps))
  const number = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })), {
    shrink: () => []
  })
  return Arbitrary.flatMap(Arbitrary.all([number, number, number, number]), (numbers) => {
    // Whole numbers stand for the simpler histories: the callback of a Schema's shrinking gives values of that Schema.
    const scripts = new Map<number, Script>()
    const generated = withoutStacks(() => generate(actors, steps, randomOf(numbers), corpus))
    const shrink = (handle: number): ReadonlyArray<number> =>
      simpler(scripts.get(handle) ?? generated.steps.map(({ given }) => given)).map((script) => {
        const next = Number.MIN_SAFE_INTEGER + scripts.size
        scripts.set(next, script)
        return next
      })
    return Arbitrary.map(Arbitrary.schema(Schema.Int, { shrink }), (handle) => {
      const script = scripts.get(handle)
      return script === undefined ? generated : replayed(script)
    })
  })
}

type Script = ReadonlyArray<Given>

const simpler = (script: Script): ReadonlyArray<Script> => [
  ...without(script),
  ...withSimplerIds(script),
  ...withSimplerFields(script),
  ...withMergedNumbers(script),
  ...withLowerNumbers(script)
]

const without = function* (script: Script) {
  for (let size = Math.ceil(script.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < script.length; from += size) yield script.toSpliced(from, size)
  }
}

const withSimplerFields = function* (script: Script) {
  for (const [i, given] of script.entries()) {
    const fields = given.command as Tagged & Record<string, unknown>
    for (const field of given.kind.fields) {
      for (const value of simplerOf(field, fields[field.name])) {
        const command = given.kind.make({ ...fields, [field.name]: value })
        if (command !== undefined) yield script.with(i, { ...given, command })
      }
    }
  }
}

// Without a command, and with another one that makes up for its numbers: one deposit in place of two.
const withMergedNumbers = function* (script: Script) {
  for (const [i, removed] of script.entries()) {
    const numbers = Object.values(removed.command).filter((each) => typeof each === "number")
    for (const [j, { command, kind }] of script.entries()) {
      if (i === j) continue
      const fields = command as Tagged & Record<string, unknown>
      for (const field of kind.fields) {
        const { name } = field
        const value = fields[name]
        if (typeof value !== "number") continue
        for (const other of numbers.flatMap((each) => [value + each, value - each])) {
          if (other === value || !field.takes(other)) continue
          const merged = kind.make({ ...fields, [name]: other })
          if (merged !== undefined) yield script.with(j, { ...script[j]!, command: merged }).toSpliced(i, 1)
        }
      }
    }
  }
}

// With two numbers that are lower by the same: a deposit and a withdrawal.
const withLowerNumbers = function* (script: Script) {
  if (script.length > mostLowered) return
  const numbers = script.flatMap(({ command, kind }, index) =>
    kind.fields.flatMap((field) => {
      const value = (command as Tagged & Record<string, unknown>)[field.name]
      return Number.isSafeInteger(value) && (value as number) > 1 ? [{ index, field, value: value as number }] : []
    })
  )
  for (const [i, one] of numbers.entries()) {
    for (const other of numbers.slice(i + 1)) {
      const least = Math.min(one.value, other.value)
      for (const less of new Set([least - 1, Math.floor(least / 2), 1])) {
        const lower = [one, other].reduce<Script | undefined>((all, { field, index, value }) => {
          const given = field.takes(value - less) ? all?.[index] : undefined
          const command = given?.kind.make({ ...given.command, [field.name]: value - less })
          return command === undefined ? undefined : all!.with(index, { ...given!, command })
        }, script)
        if (less > 0 && lower !== undefined) yield lower
      }
    }
  }
}

/** The most commands of a history of which each two numbers are lowered together. */
const mostLowered = 12

// An id is replaced wherever it stands, in fields too.
const withSimplerIds = function* (script: Script) {
  const ids = new Set(
    script.flatMap(({ actor, id }) => (actor.ids === undefined || actor.hasOwnIds === true ? [] : [id]))
  )
  for (const id of ids) {
    for (const other of ["a", "b", "c", 1, 2, 3]) {
      if (ids.has(other) || weightOf(other) >= weightOf(id)) continue
      const renamed = script.map((given) => renamedIn(given, id, other))
      if (renamed.every((each) => each !== undefined)) {
        yield renamed
        break
      }
    }
  }
}

const renamedIn = (given: Given, id: unknown, other: unknown): Given | undefined => {
  const { actor, command, kind } = given
  const isOwn = !isBoundary(actor.target) && given.id === id
  if (isOwn && !isBoundary(actor.target) && !Schema.is(actor.target.schemas.id)(other)) return undefined
  const fields: Record<string, unknown> = { ...command }
  const named = kind.fields.filter(({ name }) => fields[name] === id)
  if (!named.every((field) => field.takes(other))) return undefined
  for (const { name } of named) fields[name] = other
  const renamed = named.length === 0 ? command : kind.make(fields)
  return renamed === undefined ? undefined : { ...given, command: renamed, id: isOwn ? other : given.id }
}

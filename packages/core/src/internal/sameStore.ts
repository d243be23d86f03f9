/**
 * A text that is the same for stores with the same members. A store that was wrapped to observe one of its members has
 * the others in common with the store that it wraps, so the store's object says too little.
 */
export const sameStore = (...members: ReadonlyArray<object>): string => members.map(numberOf).join(" ")

const numberOf = (member: object): number => {
  const known = numbers.get(member)
  if (known !== undefined) return known
  numbers.set(member, ++count)
  return count
}

let count = 0
const numbers = new WeakMap<object, number>()

/** What `make` gave for `key` the first time; forgotten with the key. */
export const memoized = <A>(known: WeakMap<object, unknown>, key: object, make: () => A): A => {
  const found = known.get(key)
  // Each caller has a map of its own, whose values only its `make` has made.
  if (found !== undefined) return found as A
  const made = make()
  known.set(key, made)
  return made
}

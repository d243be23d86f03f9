/** Makes a value once for each `key`. The value is forgotten together with the key. */
export const memoized = <A>(known: WeakMap<object, unknown>, key: object, make: () => A): A => {
  const found = known.get(key)
  // Each caller has a map of its own, so all values in it come from its `make`.
  if (found !== undefined) return found as A
  const made = make()
  known.set(key, made)
  return made
}

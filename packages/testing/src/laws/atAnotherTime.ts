/**
 * Runs synchronous code at another time and with other luck: more than a year later, and `Math.random` is 0. A function
 * that asks for the date, or gambles on something rare, gives the same answer when it is called again at once.
 */
export const atAnotherTime = <A>(run: () => A): A => {
  // oxlint-disable-next-line no-restricted-globals -- `Date` is replaced for everybody, until `run` returns.
  const everywhere = globalThis
  const { Date: Now } = everywhere
  const { now } = Now
  const { random } = Math
  Now.now = () => now() + later
  Math.random = () => 0
  // Only `new Date()` asks for the time.
  everywhere.Date = new Proxy(Now, {
    construct: (_, args, target) => Reflect.construct(Now, args.length === 0 ? [Now.now()] : args, target) as Date
  })
  try {
    return run()
  } finally {
    everywhere.Date = Now
    Now.now = now
    Math.random = random
  }
}

// Another year, month, day, weekday, hour, minute, second and millisecond.
const later = (((400 * 24 + 7) * 60 + 11) * 60 + 13) * 1_000 + 17

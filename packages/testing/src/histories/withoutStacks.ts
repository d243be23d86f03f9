/**
 * Runs synchronous code in which errors have no stack. Rejections are errors, and most generated commands are rejected:
 * with stacks, the laws of an aggregate take about twice as long. Only V8 has the limit.
 */
export const withoutStacks = <A>(run: () => A): A => {
  const errors = Error as { stackTraceLimit?: number }
  const { stackTraceLimit: before } = errors
  errors.stackTraceLimit = 0
  try {
    return run()
  } finally {
    if (before === undefined) delete errors.stackTraceLimit
    else errors.stackTraceLimit = before
  }
}

/** The places of the calls under way. */
export interface Places {
  /** Whether another call may begin. */
  readonly isFree: () => boolean
  /** Whether no call is under way but slow ones. */
  readonly isIdle: () => boolean
  /** Takes a place; the result gives it back. */
  readonly take: () => () => void
}

/**
 * So many places for calls. A call that takes longer than `slowAfter` milliseconds
 * no longer counts, for at most `spare` calls at once: it may be stuck on a silent
 * connection, and other calls must go on. The total stays bounded, because each
 * call uses a connection of the pool.
 */
export const make = (options: {
  readonly places: number
  readonly spare: number
  readonly slowAfter: number
  /** Called when a place may have become free. */
  readonly onFree: () => void
}): Places => {
  let calls = 0
  let slow = 0
  return {
    isFree: () => calls < options.places + Math.min(slow, options.spare),
    isIdle: () => calls === slow,
    take: () => {
      let isSlow = false
      let isOver = false
      calls++
      const timer = setTimeout(() => {
        isSlow = true
        slow++
        options.onFree()
      }, options.slowAfter)
      return () => {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        calls--
        if (isSlow) slow--
        options.onFree()
      }
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises"

/** Waits for a condition for some seconds, and resolves with whether it holds. */
export const until = async (seconds: number, condition: () => boolean | Promise<boolean>): Promise<boolean> => {
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    if (await condition()) return true
    await sleep(50)
  }
  return condition()
}

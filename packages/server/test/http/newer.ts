/** What a newer program does to the log of an older one. */
import type { EventStore } from "@hexfold/core"

/** A log in which deposits are recorded as events of a type that no program here declares. */
export const newer = (log: EventStore.EventStore["Service"]): EventStore.EventStore["Service"] => ({
  ...log,
  append: (append) =>
    log.append({
      ...append,
      parts: append.parts.map((part) => ({
        ...part,
        writes: part.writes.map((write) => ({
          ...write,
          events: write.events.map((event) => (event.type === "Deposited" ? { ...event, type: "Frozen" } : event))
        }))
      }))
    })
})

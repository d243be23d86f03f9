/** The keys that a request touches. Requests that would wait for each other in the server do not run at once. */
export interface Touches {
  /** Keys that no other request under way may touch. */
  readonly exclusive: ReadonlyArray<string>
  /** Keys that other requests may share. */
  readonly shared: ReadonlyArray<string>
}

/** The lines in which requests wait for their keys. */
export interface KeyLocks<Request> {
  /** Puts a request into the lines of all its keys; says whether it has all of them. */
  readonly enter: (request: Request, touches: Touches) => boolean
  /** Takes a request out of its lines; returns the requests that have all of their keys now. */
  readonly leave: (request: Request) => ReadonlyArray<Request>
}

interface Ticket<Request> {
  readonly request: Request
  readonly touches: Touches
  /** How many of its keys it waits for. */
  missing: number
}

interface Line<Request> {
  /** Who is in the line, in the order in which they came, and whether each has the key. */
  readonly tickets: Map<Ticket<Request>, { readonly isExclusive: boolean; granted: boolean }>
  exclusives: number
}

/**
 * A request enters all its lines at once. So of two requests the earlier one is
 * ahead in every line that both are in: no circle of waiting can form. A request
 * has a key if nobody is ahead of it, or if it shares the key and everybody ahead
 * shares it too. Work grows with the keys of a request, not with the waiting ones.
 */
export const make = <Request>(): KeyLocks<Request> => {
  const lines = new Map<string, Line<Request>>()
  const tickets = new Map<Request, Ticket<Request>>()

  const join = (key: string, ticket: Ticket<Request>, isExclusive: boolean) => {
    let line = lines.get(key)
    if (line === undefined) lines.set(key, (line = { tickets: new Map(), exclusives: 0 }))
    const granted = isExclusive ? line.tickets.size === 0 : line.exclusives === 0
    line.tickets.set(ticket, { isExclusive, granted })
    if (isExclusive) line.exclusives++
    if (!granted) ticket.missing++
  }

  const part = (key: string, ticket: Ticket<Request>, freed: Array<Request>) => {
    const line = lines.get(key)!
    const { isExclusive } = line.tickets.get(ticket)!
    if (isExclusive) line.exclusives--
    line.tickets.delete(ticket)
    if (line.tickets.size === 0) return void lines.delete(key)
    let isFirst = true
    for (const [next, place] of line.tickets) {
      if (place.isExclusive && !isFirst) return
      if (!place.granted) {
        place.granted = true
        if (--next.missing === 0) freed.push(next.request)
      } else if (!isExclusive && !place.isExclusive && line.exclusives === 0) return
      if (place.isExclusive) return
      isFirst = false
    }
  }

  return {
    enter: (request, touches) => {
      if (touches.exclusive.length === 0 && touches.shared.length === 0) return true
      const ticket: Ticket<Request> = { request, touches, missing: 0 }
      tickets.set(request, ticket)
      for (const key of touches.exclusive) join(key, ticket, true)
      for (const key of touches.shared) join(key, ticket, false)
      return ticket.missing === 0
    },
    leave: (request) => {
      const ticket = tickets.get(request)
      if (ticket === undefined) return []
      tickets.delete(request)
      const freed: Array<Request> = []
      for (const key of ticket.touches.exclusive) part(key, ticket, freed)
      for (const key of ticket.touches.shared) part(key, ticket, freed)
      return freed
    }
  }
}

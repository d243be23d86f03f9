/** What a front answers if none of its routes does: there is no such address, or it takes other methods. */
import { Effect } from "effect"
import { type HttpRouter, HttpServerError } from "effect/http"
import { MethodNotAllowed, NoSuchAddress } from "../errors.ts"
import { answerOf } from "./problems.ts"

/** The addresses of a front. */
export interface Addresses {
  /** The beginnings of addresses that are the front's: what nobody takes below them is answered by the front. */
  readonly roots: ReadonlyArray<string>
  /** What its routes take. A `*` stands for one segment. */
  readonly taken: ReadonlyArray<{ readonly method: string; readonly path: string }>
}

const known = new WeakMap<HttpRouter.HttpRouter, Array<Addresses>>()

/**
 * Answers what no route takes below the addresses of a front. The router is asked first, so routes of the application stay as
 * they are, also below these addresses.
 */
export const answeringBelow = (router: HttpRouter.HttpRouter, addresses: Addresses): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fronts = known.get(router)
    if (fronts !== undefined) {
      fronts.push(addresses)
      return Effect.void
    }
    const all = [addresses]
    known.set(router, all)
    return router.addGlobalMiddleware((handling) =>
      handling.pipe(
        Effect.catch((failure) => {
          if (!HttpServerError.isHttpServerError(failure) || failure.reason._tag !== "RouteNotFound") {
            return Effect.fail(failure)
          }
          const { method, url } = failure.reason.request
          const segments = segmentsOf(url)
          return all.some(({ roots }) => roots.some((root) => begins(segments, segmentsOf(root))))
            ? answerOf(missing(all, method, url))
            : Effect.fail(failure)
        })
      )
    )
  })

/** Why an address is not answered. */
export const missing = (
  fronts: ReadonlyArray<Addresses>,
  method: string,
  url: string
): NoSuchAddress | MethodNotAllowed => {
  const segments = segmentsOf(url)
  const found = fronts
    .flatMap(({ taken }) => taken)
    .filter(({ path }) => isOne(segments, segmentsOf(path)))
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))
  return found.length === 0 || found.includes(method)
    ? new NoSuchAddress()
    : new MethodNotAllowed({ method, allowed: [...new Set(found)].toSorted() })
}

// As for the router, upper and lower case are one, and so are one slash and several.
const segmentsOf = (url: string): ReadonlyArray<string> =>
  url
    .split(/[?#]/)[0]!
    .toLowerCase()
    .split("/")
    .filter((segment) => segment !== "")

const begins = (segments: ReadonlyArray<string>, root: ReadonlyArray<string>): boolean =>
  root.every((segment, i) => segment === segments[i])

const isOne = (segments: ReadonlyArray<string>, path: ReadonlyArray<string>): boolean =>
  segments.length === path.length && path.every((segment, i) => segment === "*" || segment === segments[i])

/** What a page of another site may ask of the API. */
import type { Layer } from "effect"
import { HttpRouter } from "effect/http"

/** Which pages may ask. */
export type Options = Sites & {
  /** For how many seconds a browser may remember the answer. 600 by default. */
  readonly maxAge?: number
}

/** All sites, or those of a list. Only sites of a list may get what browsers keep themselves, such as cookies. */
type Sites =
  | { readonly origins: "*"; readonly credentials?: false }
  | {
      /** The sites whose pages may ask, such as `https://shop.example`. */
      readonly origins: readonly [string, ...ReadonlyArray<string>]
      /** Whether browsers may send cookies and other credentials that they keep themselves. By default they may not. */
      readonly credentials?: boolean
    }

/**
 * Lets pages of other sites ask: the browser may send the headers of the API, and may read those of its answers. Without
 * this layer only pages of the same site can ask.
 *
 * @example
 * ```ts
 * import { HttpCors } from "@hexfold/server/http"
 *
 * const Cors = HttpCors.layer({ origins: ["https://shop.example"] })
 * ```
 */
export const layer = ({
  credentials = false,
  maxAge = 600,
  origins
}: Options): Layer.Layer<never, never, HttpRouter.HttpRouter> => {
  if (origins === "*" && credentials) throw new Error("credentials need a list of origins")
  return HttpRouter.cors({
    allowedOrigins: origins === "*" ? [] : origins,
    allowedMethods: ["GET", "POST"],
    allowedHeaders: [
      "authorization",
      "content-type",
      "idempotency-key",
      "if-match",
      "if-none-match",
      "last-event-id",
      "prefer",
      "x-correlation-id"
    ],
    exposedHeaders: ["etag", "location", "preference-applied", "retry-after"],
    credentials,
    maxAge
  })
}

/** Whether live results come: the client asks for them, and asks again whenever their stream has ended. */
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"

/** The browser's `fetch`, which tells when live results are asked for and when they come. */
export const watchedFetch = (show: (state: "connecting" | "live") => void): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((answer, { url }) => {
        if (!url.includes("/live/")) return answer
        return Effect.andThen(
          Effect.sync(() => show("connecting")),
          Effect.tap(answer, ({ status }) => Effect.sync(() => status === 200 && show("live")))
        )
      })
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))

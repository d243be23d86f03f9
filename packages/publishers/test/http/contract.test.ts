import type { Publisher } from "@hexfold/core"
import { CloudEvent, HttpPublisher, Webhook } from "@hexfold/publishers/http"
import { type PublisherBackend, PublisherContract } from "@hexfold/testing/contracts"
import { Effect, Redacted, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { status, webhookServer } from "../support/webhookServer.ts"

const secret = `whsec_${btoa("a secret of 24 bytes and more")}`

/** A receiver that verifies every request, and treats it by its key. */
const backend: PublisherBackend.PublisherBackend = {
  capabilities: ["refusals", "outages", "silence", "lostAnswers", "pauses"],
  open: ({ limit }) =>
    Effect.gen(function* () {
      const treatments = new Map<string, PublisherBackend.Treatment>()
      const kept: Array<Publisher.Message> = []
      const webhook = yield* Webhook.make({ secrets: [Redacted.make(secret)] })
      const server = yield* webhookServer((received, response) => {
        const answer = Effect.gen(function* () {
          yield* webhook.verify(received)
          const message = yield* CloudEvent.decode(received.body)
          const treatment = treatments.get(`${message.publication} ${message.key}`)
          if (treatment === "keep" || treatment === "lose") kept.push(message)
          if (treatment === "keep") status(response, 204)
          else if (treatment === "refuse") response.writeHead(422).end(received.body)
          else if (treatment === "postpone") status(response, 503)
          else if (treatment === "pause") status(response, 429, { "retry-after": "7" })
          else if (treatment === "lose") response.destroy()
        })
        Effect.runFork(
          answer.pipe(Effect.catch((error) => Effect.sync(() => status(response, 401, { why: error._tag }))))
        )
      })
      const publisher = yield* HttpPublisher.make({
        url: `${server.url}/hooks/a-path-that-is-secret?token=a-token`,
        secrets: [Redacted.make(secret)],
        headers: { authorization: Redacted.make("Bearer a-bearer-token") },
        retry: Schedule.recurs(1),
        ...(limit === undefined ? undefined : { limit })
      }).pipe(Effect.provide(FetchHttpClient.layer))
      return {
        publisher,
        treat: (publication, key, treatment) => Effect.sync(() => treatments.set(`${publication} ${key}`, treatment)),
        kept: Effect.sync(() => [...kept]),
        secrets: [secret, secret.slice(6), "a-path-that-is-secret", "a-token", "a-bearer-token", "v1,"]
      }
    })
}

PublisherContract.suite("HTTP", backend)

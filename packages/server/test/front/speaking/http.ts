/** HTTP, asked in the words of every front. */
import { Effect, Option, type Schema } from "effect"
import type { Front } from "../Front.ts"
import type { Frames } from "../frames.ts"
import { type Followed, type Happened, type Live, type Page, refusal, type Speaker } from "./Speaker.ts"

export const http = ({ events, json }: Front): Speaker => {
  const by = (as: string | undefined) => (as === undefined ? {} : { as })
  const follow = <A>(
    path: string,
    as: string | undefined,
    shown: (id: string | undefined, data: never) => A,
    body?: object
  ): Live<A> =>
    Effect.gen(function* () {
      const frames = yield* events(path, { ...by(as), ...(body === undefined ? {} : { body }) })
      if (frames.response.status === 200) return followed(frames, shown)
      const text = yield* Effect.promise(frames.text)
      return yield* Effect.fail(refusal((JSON.parse(text) as { readonly title: string }).title))
    })
  return {
    name: "HTTP",
    execute: ({ fields, id, name }, { as, correlationId, key, version, waits } = {}) =>
      Effect.map(
        json(id === undefined ? `/commands/${name}` : `/aggregates/Account/${encodeURIComponent(id)}/${name}`, {
          ...by(as),
          body: fields,
          headers: {
            ...(key === undefined ? {} : { "idempotency-key": key }),
            ...(version === undefined ? {} : { "if-match": `"${version}"` }),
            ...(waits === undefined ? {} : { prefer: "wait=1" }),
            ...(correlationId === undefined ? {} : { "x-correlation-id": correlationId })
          }
        }),
        ({ body, status }) => {
          if (status === 200 || status === 202) {
            const { events: own, repeated, version: now } = body
            const shown = (own as ReadonlyArray<Readonly<Record<string, unknown>>> | undefined) ?? []
            return {
              is: "receipt",
              ...(now === undefined ? {} : { version: now }),
              repeated,
              late: status === 202,
              events: shown.map(({ actor, correlationId: talk, type }) => ({
                type,
                actor: actor ?? null,
                ...(correlationId === undefined ? {} : { correlationId: talk })
              }))
            }
          }
          const { balance, actual, expected, title } = body
          return {
            ...refusal(title as string),
            ...(balance === undefined ? {} : { balance }),
            ...(actual === undefined ? {} : { expected, actual })
          }
        }
      ),
    page: (query, as) =>
      Effect.map(json(`/views/${query.view}`, { ...by(as), body: query }), ({ body, status }): Page =>
        status === 200 ? (body as unknown as Page) : refusal(body["title"] as string)
      ),
    record: (view, key, _, as) =>
      Effect.map(json(`/views/${view}/${encodeURIComponent(key)}`, by(as)), ({ body, status }) =>
        status === 200 ? (body["state"] as Schema.Json) : status === 404 ? undefined : refusal(body["title"] as string)
      ),
    livePage: (query, as) => follow(`/live/${query.view}`, as, (_, data: Page) => data, query),
    liveRecord: (view, key, _, as) =>
      follow(`/live/${view}/${encodeURIComponent(key)}`, as, (__, { state }: { readonly state: Schema.Json }) => state),
    feed: ({ after, types }, as) =>
      follow(
        `/events?${new URLSearchParams({ ...(after === undefined ? {} : { after }), ...(types === undefined ? {} : { types }) }).toString()}`,
        as,
        (id, { streamId, type }: Happened) => ({ cursor: id!, type, streamId })
      ),
    linked: (as) =>
      Effect.map(json("/views/Accounts?with=ownerRecord", by(as)), ({ body, status }) =>
        status === 200
          ? (body.rows as ReadonlyArray<object> as ReadonlyArray<{ readonly key: string; readonly links: Linked }>).map(
              ({ key, links }) => [key, links.ownerRecord.state.accounts] as const
            )
          : refusal(body["title"] as string)
      )
  }
}

/** The record of an owner, as it comes with an account. */
interface Linked {
  readonly ownerRecord: { readonly state: { readonly accounts: unknown } }
}

const followed = <A>({ frame }: Frames, shown: (id: string | undefined, data: never) => A): Followed<A> => ({
  next: Effect.gen(function* () {
    for (;;) {
      const found = yield* frame
      if (Option.isNone(found)) return undefined
      const { data, id } = found.value
      if (data !== undefined) return shown(id, JSON.parse(data) as never)
    }
  })
})

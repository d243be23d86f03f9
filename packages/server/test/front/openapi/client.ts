/** A client as `openapi-typescript` and `openapi-fetch` make it of the document of the bank. */
import createClient from "openapi-fetch"
import type { paths } from "./data/guarded.ts"

/** Uses an API under an address as somebody. */
export const use = async (baseUrl: string, as: string) => {
  const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${as}` } })
  const opening = { params: { path: { id: "a" }, header: { prefer: "wait=60" } }, body: { owner: as } }
  const opened = await client.POST("/aggregates/Account/{id}/Open", opening)
  const again = await client.POST("/aggregates/Account/{id}/Open", opening)
  const wrong = await client.POST("/aggregates/Account/{id}/Open", { ...opening, body: { owner: "" } })
  const state = await client.GET("/aggregates/Account/{id}", { params: { path: { id: "a" } } })
  const list = await client.GET("/views/Accounts", { params: { query: { orderBy: "-owner", limit: "5" } } })
  const record = await client.GET("/views/Accounts/{key}", { params: { path: { key: "a" } } })
  const missing = await client.GET("/views/Accounts/{key}", { params: { path: { key: "z" } } })
  return {
    opened: { version: opened.data?.version, etag: opened.response.headers.get("etag") },
    // Each status has its problems, and each error of the domain its own type.
    refused: { status: again.error?.status, title: again.error?.title },
    // The title tells which problem it is, and which members it has.
    mistakes: wrong.error?.title === "InvalidRequest" ? wrong.error.errors?.map(({ path }) => path) : undefined,
    state: state.data?.state,
    keys: list.data?.rows.map(({ key }) => key),
    record: record.data?.key,
    missing: missing.error?.status
  }
}

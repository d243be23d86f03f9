/** The page that shows the declarations: its program is bundled when the layer is built. */
import { Effect, type Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** The page could not be made. */
export class PageError extends Schema.TaggedError<PageError>()("PageError", { cause: Schema.Defect() }) {
  override get message(): string {
    return `the page cannot be made: ${String(this.cause)}`
  }
}

const fileOf = (name: string): string => fileURLToPath(new URL(`../../page/${name}`, import.meta.url))

const bundled = async (): Promise<string> => {
  const build = await rolldown({
    input: fileOf("main.ts"),
    platform: "browser",
    logLevel: "warn",
    // This repository's packages are taken from their sources. A project of your own leaves this out.
    resolve: { conditionNames: ["@hexfold/source", "browser", "import", "default"] }
  })
  const { output } = await build.generate({ minify: true })
  await build.close()
  return output[0].code
}

// The page loads and asks nothing but this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"

/** Serves the page under `/`. */
export const page: Layer.Layer<never, PageError, HttpRouter.HttpRouter> = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const files = yield* Effect.tryPromise({
      try: () => Promise.all([readFile(fileOf("index.html"), "utf8"), readFile(fileOf("page.css"), "utf8"), bundled()]),
      catch: (cause) => new PageError({ cause })
    })
    const [html, css, script] = files
    const route = (path: `/${string}`, contentType: string, text: string) =>
      HttpRouter.route(
        "GET",
        path,
        HttpServerResponse.text(text, { contentType, headers: { "content-security-policy": policy } })
      )
    yield* router.addAll([
      route("/", "text/html; charset=utf-8", html),
      route("/page.css", "text/css; charset=utf-8", css),
      route("/page.js", "text/javascript; charset=utf-8", script)
    ])
  })
)

// How large the fronts and the client are in the bundle of a program for an edge or a browser.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

/** The most that the modules of a front may add to a bundle, in bytes after gzip. */
const most = 30_000

// What is not the front's own is the bundle of core and effect. GraphQL's library is counted apart, and graphql-ws is not.
const own = {
  "@hexfold/server/http": /node_modules\/@hexfold\/server\//,
  "@hexfold/server/graphql": /node_modules\/@hexfold\/server\//,
  "@hexfold/server/graphql/ws": /node_modules\/(@hexfold\/server|graphql-ws)\//,
  "@hexfold/client": /node_modules\/@hexfold\/client\//
}

export const measured = Object.keys(own)

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`
const sizeOf = (code) => gzipSync(code, { level: 9 }).length

/**
 * Bundles everything that a module exports, twice: as one file, and with its own code, GraphQL's library and the rest in
 * files of their own. The same functions are left out both times, so the file of the front's own code, compressed alone,
 * is what the front adds. It is a little more than the difference of the two whole sizes: a file of its own names what
 * it takes from the others, and shares no words with them.
 */
export const sizes = async (name, project) => {
  const input = join(project, "size.js")
  writeFileSync(input, `export * from "${name}"`)
  const build = await rolldown({ input, cwd: project, platform: "browser", logLevel: "silent" })
  const groups = [
    { name: "own", test: own[name], priority: 2 },
    { name: "graphql", test: /node_modules\/graphql\//, priority: 1 },
    { name: "rest", test: /./, priority: 0 }
  ]
  const whole = await build.generate({ minify: true })
  const parts = await build.generate({
    minify: true,
    chunkFileNames: "[name].js",
    codeSplitting: { includeDependenciesRecursively: false, groups }
  })
  await build.close()

  const [{ code }, ...others] = whole.output
  if (others.length > 0) throw new Error(`the bundle has ${others.length + 1} files`)
  const { imports } = whole.output[0]
  if (imports.length > 0) throw new Error(`imports ${imports.join(", ")}`)
  const partOf = (group) => parts.output.find(({ fileName }) => fileName === `${group}.js`)
  // What is counted must be all of it, or its smallness says nothing.
  const isOwn = (id) => own[name].test(id)
  const counted = Object.keys(partOf("own")?.modules ?? {}).filter(isOwn)
  const present = parts.output.flatMap(({ modules }) => Object.keys(modules)).filter(isOwn)
  if (counted.length === 0 || counted.length < present.length) {
    throw new Error(`${counted.length} of the front's ${present.length} modules are counted`)
  }
  const added = sizeOf(partOf("own").code)
  if (added > most) throw new Error(`adds ${added} bytes after gzip, and may add ${most}`)
  const library = partOf("graphql")
  return [
    `adds ${kB(added)} gzip to core and effect (its own modules, minified and compressed alone; at most ${kB(most)})`,
    ...(library === undefined ? [] : [`GraphQL's library ${kB(sizeOf(library.code))} gzip`]),
    `the whole ${kB(code.length)}, ${kB(sizeOf(code))} gzip`
  ].join("; ")
}

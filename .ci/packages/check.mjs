// Proves that what `npm publish` would send works for a user, and does not only work inside this workspace: packs the
// packages, lints the tarballs, installs them in an empty project, compiles, runs and bundles a program there.
// Needs the registry.
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { copyDocs } from "./docs.mjs"
import { measured, sizes } from "./sizes.mjs"

const names = ["core", "adapters-memory", "adapters-pg", "client", "publishers", "server", "testing"]
const root = fileURLToPath(new URL("../..", import.meta.url))
const temporary = mkdtempSync(join(tmpdir(), "hexfold-packages-"))
const project = join(temporary, "project")
const bin = (name, folder = root) => join(folder, "node_modules", ".bin", name)
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

const run = (command, args, cwd = temporary) => {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

const assert = (condition, message) => {
  if (!condition) throw new Error(message)
}

const step = async (what, action) => {
  try {
    const detail = await action()
    console.log(`ok      ${what}${detail === undefined ? "" : `: ${detail}`}`)
  } catch (error) {
    console.log(`FAILED  ${what}\n${error.message}`)
    throw error
  }
}

const pack = (name) => {
  const folder = join(root, "packages", name)
  const output = run("npm", ["pack", folder, "--json", "--ignore-scripts", "--pack-destination", temporary])
  // An array, or in later versions of npm an object by package.
  const [{ filename, files, size }] = Object.values(JSON.parse(output))
  const paths = files.map(({ path }) => path)
  for (const path of ["LICENSE", "README.md"]) assert(paths.includes(path), `has no ${path}`)
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  assert(readme.includes("node_modules/@hexfold/core/docs"), "its README does not say where the pages are")
  return { filename, paths, detail: `${paths.length} files, ${Math.ceil(size / 1024)} kB` }
}

const bundle = async (source, options = {}) => {
  const input = join(project, "bundle.js")
  writeFileSync(input, source)
  const build = await rolldown({ input, cwd: project, platform: "browser", logLevel: "silent", ...options })
  const { output } = await build.generate({ minify: true })
  await build.close()
  const size = output.reduce((sum, { code = "" }) => sum + code.length, 0)
  return { code: output[0].code, size, imports: output.flatMap(({ imports }) => imports ?? []) }
}

const main = async () => {
  // From nothing, because a build never deletes: what has no source any more would be published still.
  await step("build the packages from nothing", () => {
    for (const name of names) rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true })
    run(bin("tsc"), ["-b", ...names.map((name) => `packages/${name}`)], root)
  })
  const pages = copyDocs()
  const tarballs = {}
  for (const name of names) {
    await step(`pack @hexfold/${name}`, () => {
      const { detail, filename, paths } = pack(name)
      if (name === "core") {
        assert(pages.includes("docs/README.md"), "docs has no index page")
        for (const page of pages) assert(paths.includes(page), `has no ${page}`)
      }
      tarballs[name] = join(temporary, filename)
      return detail
    })
  }
  for (const name of names) {
    await step(`publint @hexfold/${name}`, () => void run(bin("publint"), ["run", tarballs[name], "--strict"]))
    await step(`attw @hexfold/${name}`, () => void run(bin("attw"), [tarballs[name], "--profile", "esm-only"]))
  }

  await step("install the tarballs in an empty project", () => {
    mkdirSync(project)
    const dependencies = Object.fromEntries(names.map((name) => [`@hexfold/${name}`, `file:${tarballs[name]}`]))
    for (const name of ["effect", "@effect/sql-pg", "typescript"]) dependencies[name] = devDependencies[name]
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
    const compilerOptions = {
      module: "nodenext",
      target: "ES2024",
      lib: ["ES2024"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      declaration: true,
      outDir: "dist"
    }
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }))
    copyFileSync(join(root, ".ci/packages/consumer.ts"), join(project, "consumer.ts"))
    // With --prefix, because a script that npm runs inherits settings that point to this workspace.
    run(
      "npm",
      ["install", "--prefix", project, "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"],
      project
    )
    return Object.entries(dependencies)
      .filter(([name]) => !name.startsWith("@hexfold/"))
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")
  })
  await step("compile a program against the types", () => void run(bin("tsc", project), ["-p", "."], project))
  await step("run it", () => {
    run(process.execPath, ["dist/consumer.js"], project)
    return `Node ${process.versions.node}`
  })

  const effect = { external: /^effect(\/|$)/ }
  await step("bundle one namespace without the rest", async () => {
    const one = await bundle(`export { StreamId } from "@hexfold/core"`, effect)
    const all = await bundle(`export * from "@hexfold/core"`, effect)
    // What is looked for must be in the whole, or its absence says nothing.
    assert(all.code.includes("Executor.execute"), "the whole package does not contain Executor.execute")
    assert(!one.code.includes("Executor.execute"), "StreamId brings the Executor along")
    return `StreamId ${one.code.length} bytes, all ${all.code.length}`
  })
  await step("bundle the description of an API without its page", async () => {
    const of = (name) => `import { HttpDocs } from "@hexfold/server/http/docs"\nexport const layer = HttpDocs.${name}`
    const described = await bundle(of("layer"))
    const shown = await bundle(of("layerPage"))
    // The page loads what it shows when its layer is built: bundlers make a file of its own of that.
    assert(shown.size > 1 << 20, `with the page there are only ${shown.size} bytes`)
    assert(described.size < 1 << 19, `the description brings the page along: ${described.size} bytes`)
    return `${Math.ceil(described.size / 1024)} kB with effect, with the page ${Math.ceil(shown.size / 1024)} kB`
  })
  // What a front imports besides the packages of this workspace. Any host may serve it, so it imports nothing of Node.
  const fronts = {
    http: { forbidden: /^(node:|graphql)/, wanted: "effect/http" },
    graphql: { forbidden: /^(node:|effect\/http-api|graphql-ws)/, wanted: "graphql" },
    "graphql/ws": { forbidden: /^(node:|effect\/http-api)/, wanted: "graphql-ws" }
  }
  for (const [name, { forbidden, wanted }] of Object.entries(fronts)) {
    await step(`bundle the front ${name}`, async () => {
      const { code, imports } = await bundle(`export * from "@hexfold/server/${name}"`, {
        external: (id) => !/^([./]|@hexfold\/)/.test(id)
      })
      // What is looked for must be there, or the absence of the rest says nothing.
      assert(imports.includes(wanted), `does not import ${wanted}, but ${imports.join(", ")}`)
      const found = imports.filter((each) => forbidden.test(each))
      assert(found.length === 0, `imports ${found.join(", ")}`)
      return `${Math.ceil(code.length / 1024)} kB without what it imports`
    })
  }
  await step("install the libraries of GraphQL, which are optional", () => {
    const { devDependencies: used } = JSON.parse(readFileSync(join(root, "packages/server/package.json"), "utf8"))
    const libraries = ["graphql", "graphql-ws"].map((name) => `${name}@${used[name]}`)
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    run("npm", ["install", "--prefix", project, ...flags, ...libraries], project)
    return libraries.join(", ")
  })
  for (const name of measured) await step(`size of ${name}`, () => sizes(name, project))
  await step("bundle the core for a browser", async () => {
    const { code, imports } = await bundle(`export * from "@hexfold/core"`)
    assert(imports.length === 0, `imports ${imports.join(", ")}`)
    return `${Math.ceil(code.length / 1024)} kB with effect`
  })
}

try {
  await main()
} catch {
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

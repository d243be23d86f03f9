import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

const openssl = (folder: string, ...args: ReadonlyArray<string>): void =>
  void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" })

/** Whether certificates can be made here. */
export const isInstalled = ((): boolean => {
  try {
    openssl(tmpdir(), "version")
    return true
  } catch {
    return false
  }
})()

/**
 * A certificate authority, and certificates of it for 127.0.0.1: one has expired, and one has many names. The files of the
 * server are `server.crt` and `server.key`; `use` changes the certificate. They are removed with the scope.
 */
export const certificates = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "hexfold-tls-"))
    const request = ["req", "-newkey", "rsa:2048", "-nodes"]
    openssl(
      folder,
      ...request,
      "-x509",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-subj",
      "/CN=an authority",
      "-days",
      "2"
    )
    openssl(folder, ...request, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=a server")
    const others = Array.from({ length: 1_000 }, (_, i) => `,DNS:host${i}.a.a.a.example.com`).join("")
    for (const [name, days, names] of [
      ["valid", "2", ""],
      ["expired", "-1", ""],
      ["crowded", "2", others]
    ] as const) {
      writeFileSync(join(folder, "names"), `subjectAltName=IP:127.0.0.1${names}\n`)
      const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
      openssl(folder, "x509", "-req", "-in", "server.csr", ...authority, "-out", `${name}.crt`, "-days", days)
    }
    const use = (name: "valid" | "expired" | "crowded") =>
      copyFileSync(join(folder, `${name}.crt`), join(folder, "server.crt"))
    use("valid")
    // Postgres takes no key that others may read. If the tests run as root, the server has a user of its own.
    chmodSync(folder, 0o755)
    chmodSync(join(folder, "server.key"), 0o600)
    if (process.getuid?.() === 0) {
      const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
      chownSync(join(folder, "server.key"), id("-u"), id("-g"))
    }
    return {
      folder,
      use,
      authority: readFileSync(join(folder, "ca.crt"), "utf8"),
      parameters: { ssl: "on", ssl_cert_file: join(folder, "server.crt"), ssl_key_file: join(folder, "server.key") }
    }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

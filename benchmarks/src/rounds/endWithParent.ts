/** Ends a process of a round when the process that runs the rounds ends, in whatever way: then the pipe between them closes. */
process.stdin.resume().on("close", () => process.exit(1))

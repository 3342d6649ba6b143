// Command tegata is the whole of Tegata in one binary: read, open, build, serve.
//
// `tegata up` is the neighbourhood on one machine; `tegata serve` runs chosen
// roles in production; the other commands do without a screen what a person does
// on the pages. People read stderr, programs read stdout.
//
// # Trust
//
// This is the only package that knows which store is used and which roles run in
// one process. It hands each role its own keys, its own database and a URL of the
// others, and no Go value of one party to another.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr, os.Getenv})
	stop()
	os.Exit(code)
}

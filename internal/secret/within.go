//go:build goexperiment.runtimesecret

package secret

import "runtime/secret"

// Erases says whether this build has Within erase what it leaves.
const Erases = true

// Within runs f, which handles a secret in clear: a form that it came in, the
// command that takes it to a card, its comparison. Afterwards nothing of it is
// left in memory: stack and registers are erased when Within returns, and what f
// allocated as soon as nobody refers to it and the garbage is collected, which Go
// does at least every two minutes. Neither goroutines that f starts nor what lay
// in buffers of others before are covered.
//
// This is runtime/secret of Go 1.26, an experiment: `make` builds with
// GOEXPERIMENT=runtimesecret, on Linux with amd64 and arm64 it does something,
// and everywhere else Within only runs f. Nothing but the erasing depends on it.
func Within(f func()) { secret.Do(f) }

//go:build !goexperiment.runtimesecret

package secret

// Erases says whether this build has Within erase what it leaves.
const Erases = false

// Within runs f, which handles a secret in clear. This build erases nothing: what
// f leaves in memory stays there until it is written over. See within.go.
func Within(f func()) { f() }

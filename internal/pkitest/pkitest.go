// Package pkitest is what tests of a PKI need and production code must not have:
// keys from a committed pool, because making RSA keys is most of the time of a
// test run, and foreign programs that must be there when everything is tested.
//
// # Trust
//
// None. The pool's private keys are published with the source.
package pkitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
)

//go:embed testdata/keys.pem
var pool []byte

// keys is the pool, parsed once: a test asks for many.
var keys = sync.OnceValues(func() (list []*rsa.PrivateKey, err error) {
	for rest := pool; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	if len(list) == 0 {
		return nil, errors.New("the pool is empty")
	}
	return list, nil
})

// Key returns key i of the pool of eight RSA-2048 keys; i wraps around.
func Key(t testing.TB, i int) *rsa.PrivateKey {
	t.Helper()
	list, err := keys()
	if err != nil {
		t.Fatalf("pkitest: %v", err)
	}
	return list[i%len(list)]
}

// ECKey returns a fresh P-256 key.
func ECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Tool returns the path of a foreign program. Without it the test fails when
// TEGATA_TOOLS=required (as `make test` sets it) and is otherwise skipped aloud.
func Tool(t testing.TB, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("TEGATA_TOOLS") == "required" {
		t.Fatalf("%s is not installed; `make test` installs it", name)
	}
	t.Skipf("SKIPPED: %s is not installed; `make test` installs it", name)
	return ""
}

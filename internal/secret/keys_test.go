package secret_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/secret"
)

func TestAKeyIsMadeOnceSealedAndBoundToItsLabel(t *testing.T) {
	dir := t.TempDir()
	keys := secret.Keys{Dir: dir, Sealer: newSealer(t, dir)}
	if _, err := keys.Open("portal"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a key that was not made: %v", err)
	}
	made, err := keys.OpenOrMake("portal", secret.P256)
	if err != nil {
		t.Fatal(err)
	}
	again, err := keys.OpenOrMake("portal", secret.P256)
	if err != nil || !again.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(made.Public()) {
		t.Fatalf("another key came back: %v", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		t.Fatal(err)
	}
	rests, err := os.ReadFile(filepath.Join(dir, "portal.key"))
	if err != nil || bytes.Contains(rests, der[len(der)-32:]) {
		t.Fatalf("the key rests in clear: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "portal.key"), filepath.Join(dir, "bank.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open("bank"); !errors.Is(err, secret.ErrSealBroken) {
		t.Fatalf("the portal's key opened as the bank's: %v", err)
	}
}

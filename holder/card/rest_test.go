package card_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

func TestASealedCardPutBackIsRefused(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	old, err := os.ReadFile(m.Place.Path)
	if err != nil {
		t.Fatal(err)
	}
	run(t, m.Card, "<select jpki> => 9000\n<wrong pin> => 63C2\n<wrong pin> => 63C1")
	if err := os.WriteFile(m.Place.Path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := card.Open(m.Place); !errors.Is(err, secret.ErrRolledBack) {
		t.Errorf("opened a card that was put back to three tries: %v", err)
	}
}

func TestACardUnderAnotherNameOrWithAChangedByteDoesNotOpen(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	sealed, err := os.ReadFile(m.Place.Path)
	if err != nil {
		t.Fatal(err)
	}
	other := m.Place
	other.Path = filepath.Join(filepath.Dir(m.Place.Path), "other")
	os.WriteFile(other.Path, sealed, 0o600)
	if _, err := card.Open(other); !errors.Is(err, secret.ErrSealBroken) {
		t.Errorf("opened another card's state: %v", err)
	}
	for i := 0; i < len(sealed); i += 97 {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x01
		os.WriteFile(m.Place.Path, changed, 0o600)
		if _, err := card.Open(m.Place); !errors.Is(err, secret.ErrSealBroken) {
			t.Fatalf("byte %d changed and the card opened: %v", i, err)
		}
	}
}

// The canary: a PIN and a password are nowhere in what a card writes, neither
// sealed nor, as a look inside the seal shows, opened; and private keys are not
// outside it.
func TestNoSecretIsInTheState(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<wrong pin> => 63C2\n<pin> => 9000\n<password> => 9000")
	_, plain, err := secret.OpenStateFile(durable.Files{}, m.Place.Sealer, m.Place.Path, m.Place.CounterPath)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Keys map[string][]byte `json:"keys"`
	}
	if err := json.Unmarshal(plain, &state); err != nil || len(state.Keys) != 2 {
		t.Fatalf("%d keys, %v", len(state.Keys), err)
	}
	// Two digits in sequence are everywhere by chance; a password is not, and a
	// PIN is looked for as what a verifier must not be: the text of a value.
	for _, canary := range []string{"TEGATA2357", `"1357"`, base64.StdEncoding.EncodeToString([]byte("1357")), hex.EncodeToString([]byte("TEGATA2357"))} {
		if bytes.Contains(plain, []byte(canary)) {
			t.Errorf("the opened state holds %s", canary)
		}
	}
	filepath.Walk(filepath.Dir(m.Place.Path), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, key := range state.Keys {
			if bytes.Contains(content, key[len(key)-64:]) || bytes.Contains(content, []byte(base64.StdEncoding.EncodeToString(key)[40:80])) {
				t.Errorf("%s holds a private key", path)
			}
		}
		if bytes.Contains(content, []byte("TEGATA2357")) || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s holds a password, or others may read it: %v", path, info.Mode())
		}
		return nil
	})
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, m.Card); strings.Contains(text, "TEGATA2357") {
			t.Errorf("%s of a card prints its password", verb)
		}
	}
}

func TestWhatWasWrittenIsThereAfterOpening(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<wrong password> => 63C4\n<pin> => 9000\n00240198 04 <2468> => 9000")
	again, err := card.Open(m.Place)
	if err != nil {
		t.Fatal(err)
	}
	run(t, again, "<select jpki> => 9000\n0020009B => 63C4\n<wrong pin> => 9000\n802A0097 01 55 00 => [256] 9000")
	for kind, der := range m.Certificates {
		if !bytes.Equal(again.Certificate(kind), der) || !bytes.Equal(again.Authority(kind), m.Authorities[kind]) {
			t.Errorf("certificates of %s changed", kind)
		}
	}
}

// A disk that refuses: nothing is compared, nothing gained, and the card works
// on when the disk does.
func TestACardThatCannotWriteComparesNothing(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	dir := filepath.Dir(m.Place.Path)
	moved := dir + " elsewhere"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	run(t, m.Card, "<select jpki> => 9000\n<pin> => 6581\n802A0097 01 55 00 => 6982\n00200098 => 63C2\n<wrong pin> => 6581\n00200098 => 63C1")
	if err := os.Rename(moved, dir); err != nil {
		t.Fatal(err)
	}
	run(t, m.Card, "<wrong pin> => 63C0\n<pin> => 6984\n<password> => 9000")
	if again, err := card.Open(m.Place); err != nil || again.TriesLeft(pki.CardAuth) != 0 {
		t.Errorf("after opening: %v", err)
	}
}

func TestABoxHasOneWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cards")
	box, err := card.CreateBox(dir, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.OpenBox(dir, durable.Files{}); !errors.Is(err, card.ErrInUse) {
		t.Errorf("a second writer got %v, want ErrInUse", err)
	}
	if _, err := card.CreateBox(dir, durable.Files{}); err == nil {
		t.Error("a box replaced another")
	}
	keys := cardKeys(t)
	made, err := box.Create("hanako-1", card.Spec{Cost: secret.TestCost(), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Create("hanako-1", card.Spec{Cost: secret.TestCost(), Keys: keys}); err == nil {
		t.Error("a card replaced another")
	}
	if same, err := box.Open("hanako-1"); err != nil || same != made {
		t.Errorf("the same name is another card: %v", err)
	}
	for _, name := range []string{"", "../key", "A", "a b", strings.Repeat("a", 65), ".card"} {
		if _, err := box.Open(name); !errors.Is(err, card.ErrName) {
			t.Errorf("name %q: got %v, want ErrName", name, err)
		}
	}
	if _, err := box.Open("taro-1"); !errors.Is(err, card.ErrNoCard) {
		t.Errorf("got %v, want ErrNoCard", err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := card.OpenBox(dir, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if names, err := again.List(); err != nil || len(names) != 1 || names[0] != "hanako-1" {
		t.Errorf("got %v, %v", names, err)
	}
	if c, err := again.Open("hanako-1"); err != nil || c.Token().Serial != made.Token().Serial {
		t.Errorf("the card changed: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "counters", "hanako-1")); err != nil {
		t.Fatal(err)
	}
}

//go:build pcsc

package reader_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"tegata/holder/card/cardtest"
	"tegata/holder/eid"
	"tegata/holder/reader"
	"tegata/internal/pki"
)

// TestATerminalOverPCSC reads our card through the system's smart card service,
// as a terminal with a real reader would. No physical reader is claimed.
func TestATerminalOverPCSC(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		made := cardtest.New(t, cardtest.Options{})
		if _, err := reader.ListPCSC(); err == nil {
			t.Error("a service that is not there lists readers")
		}
		startPCSCD(t)
		names, err := reader.ListPCSC()
		if err != nil || len(names) != 2 {
			t.Fatalf("readers %q, %v", names, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := reader.OpenPCSC(ctx, "Virtual PCD 00 00"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an empty reader: %v", err)
		}
		if _, err := reader.OpenPCSC(t.Context(), "Real Reader"); err == nil {
			t.Error("a reader that is not there was opened")
		}
		takeAway := insertSystem(t, made.Card)
		tap, err := reader.OpenPCSC(t.Context(), "Virtual PCD 00 00")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tap.ATR(), made.Card.ATR()) {
			t.Errorf("ATR %X", tap.ATR())
		}
		j, err := eid.Open(t.Context(), tap)
		if err != nil {
			t.Fatal(err)
		}
		c, err := j.SignCertificate(t.Context(), made.Password)
		if err != nil || !bytes.Equal(c.Raw, made.Certificates[pki.CardSign]) {
			t.Errorf("signature certificate: %v", err)
		}
		signer, err := j.Signer(t.Context(), eid.AuthPIN, made.PIN)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256([]byte("login"))
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		sig, err := signer.Sign(rand.Reader, digest[:], pss)
		if err != nil || rsa.VerifyPSS(signer.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig, pss) != nil {
			t.Errorf("PSS: %v", err)
		}
		if err := tap.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Sign(rand.Reader, digest[:], pss); err == nil {
			t.Error("signed after a reset")
		}
		if err := takeAway(); err != nil {
			t.Error(err)
		}
		removed(t, tap)
		if _, err := tap.Transmit(t.Context(), selectJPKI); !errors.Is(err, reader.ErrCardRemoved) {
			t.Errorf("got %v, want ErrCardRemoved", err)
		}
		// And from the terminal's side.
		insertSystem(t, made.Card)
		if tap, err = reader.OpenPCSC(t.Context(), "Virtual PCD 00 00"); err != nil {
			t.Fatal(err)
		}
		tap.Close()
		removed(t, tap)
	})
}

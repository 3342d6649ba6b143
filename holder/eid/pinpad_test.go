package eid_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card/cardtest"
	"tegata/holder/eid"
	"tegata/holder/reader"
)

// wiretap is a terminal's side of a tap that remembers all that came over it.
type wiretap struct {
	token reader.Token
	seen  bytes.Buffer
}

func (w *wiretap) Transmit(_ context.Context, command []byte) ([]byte, error) {
	answer := w.token.Transmit(command)
	w.seen.Write(command)
	w.seen.Write(answer)
	return answer, nil
}

func TestAPINTypedAtTheReaderNeverReachesTheTerminal(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	made.Card.PowerOn()
	pad := reader.WithKeyPad(made.Card)
	tap := &wiretap{token: pad}
	j, err := eid.Open(t.Context(), tap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.SignerAtPad(t.Context()); !errors.Is(err, eid.ErrNothingTyped) {
		t.Fatalf("nothing was typed: %v", err)
	}
	pad.Type("42", cardtest.PIN(t, "9999"))
	_, err = j.SignerAtPad(t.Context())
	if wrong, ok := errors.AsType[*eid.SecretError](err); !ok || wrong.TriesLeft != 2 {
		t.Fatalf("a wrong PIN: %v", err)
	}
	if _, err := j.SignerAtPad(t.Context()); !errors.Is(err, eid.ErrNothingTyped) {
		t.Fatalf("what was typed served twice: %v", err)
	}
	pad.Type("42", made.PIN)
	if number, err := j.NumberAtPad(t.Context()); err != nil || number != "42" {
		t.Fatalf("the number: %q, %v", number, err)
	}
	if _, err := j.NumberAtPad(t.Context()); !errors.Is(err, eid.ErrNothingTyped) {
		t.Fatalf("the number served twice: %v", err)
	}
	signer, err := j.SignerAtPad(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("a challenge"))
	if _, err := signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	made.PIN.Reveal(func(digits []byte) {
		if bytes.Contains(tap.seen.Bytes(), digits) {
			t.Error("the terminal saw the PIN")
		}
	})
	pad.Type("42", made.PIN) // and the card is taken away
	pad.PowerOff()
	made.Card.PowerOn()
	if j, err = eid.Open(t.Context(), tap); err != nil {
		t.Fatal(err)
	}
	if _, err := j.NumberAtPad(t.Context()); !errors.Is(err, eid.ErrNothingTyped) {
		t.Errorf("the number stayed behind: %v", err)
	}
	if _, err := j.SignerAtPad(t.Context()); !errors.Is(err, eid.ErrNothingTyped) {
		t.Errorf("what was typed stayed behind: %v", err)
	}
}

func TestAKeyPadServesNothingButVERIFY(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	made.Card.PowerOn()
	pad := reader.WithKeyPad(made.Card)
	pad.Type("42", made.PIN)
	good := apdu.VerifyAtPad(apdu.EFAuthPIN)
	for name, change := range map[string]func(*apdu.Command){
		"a signature": func(c *apdu.Command) { c.Data[len(c.Data)-8] = apdu.InsSign }, "another class": func(c *apdu.Command) { c.Data[len(c.Data)-9] = 0x80 },
		"another feature": func(c *apdu.Command) { c.P2 = 7 }, "one byte less": func(c *apdu.Command) { c.Data = c.Data[:len(c.Data)-1] },
	} {
		c := good
		c.Data = bytes.Clone(good.Data)
		change(&c)
		if got := pad.Transmit(c.Bytes()); !bytes.Equal(got, []byte{0x6A, 0x80}) {
			t.Errorf("%s: answered %X", name, got)
		}
	}
	if _, err := eid.Open(t.Context(), &wiretap{token: made.Card}); err != nil {
		t.Fatal(err)
	}
	if got := made.Card.Transmit(good.Bytes()); bytes.HasPrefix(got, []byte{0x90}) || bytes.HasPrefix(got, []byte{0x64}) {
		t.Errorf("a reader without a key pad answers %X", got)
	}
	j, err := eid.Open(t.Context(), &wiretap{token: made.Card})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.NumberAtPad(t.Context()); !errors.Is(err, eid.ErrNoKeyPad) {
		t.Errorf("a number without a key pad: %v", err)
	}
	if _, err := j.SignerAtPad(t.Context()); !errors.Is(err, eid.ErrNoKeyPad) {
		t.Errorf("without a key pad: %v", err)
	}
}

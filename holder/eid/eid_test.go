package eid_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card/cardtest"
	"tegata/holder/eid"
	"tegata/holder/reader"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// hold holds a card to a terminal, over a real connection.
func hold(t *testing.T, token reader.Token) *reader.Tap {
	t.Helper()
	r, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- reader.Insert(ctx, r.Addr(), token) }()
	t.Cleanup(func() { cancel(); <-done; r.Close() })
	limit, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	tap, err := r.Wait(limit)
	if err != nil {
		t.Fatal(err)
	}
	return tap
}

func open(t *testing.T, tr eid.Transmitter) *eid.JPKI {
	t.Helper()
	j, err := eid.Open(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestATerminalReadsACard(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	j := open(t, hold(t, made.Card))
	if j.Token() != apdu.LabelCard || j.Phone() {
		t.Errorf("the token is %q", j.Token())
	}
	if sign, auth, err := j.Present(t.Context()); err != nil || !sign || !auth {
		t.Errorf("present: %v %v %v", sign, auth, err)
	}
	for name, test := range map[string]struct {
		read func(context.Context) (*x509.Certificate, error)
		want []byte
	}{
		"authentication": {j.AuthCertificate, made.Certificates[pki.CardAuth]},
		"its authority":  {j.AuthAuthority, made.Authorities[pki.CardAuth]},
		"its other":      {j.SignAuthority, made.Authorities[pki.CardSign]},
		"signature": {func(ctx context.Context) (*x509.Certificate, error) { return j.SignCertificate(ctx, made.Password) },
			made.Certificates[pki.CardSign]},
	} {
		if c, err := test.read(t.Context()); err != nil || !bytes.Equal(c.Raw, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsAreCountedAndNamed(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	j := open(t, hold(t, made.Card))
	wrong := cardtest.PIN(t, "2468")
	if n, err := j.Tries(t.Context(), eid.AuthPIN); err != nil || n != 3 {
		t.Errorf("%d tries, %v", n, err)
	}
	if n, err := j.Tries(t.Context(), eid.SignPassword); err != nil || n != 5 {
		t.Errorf("%d tries, %v", n, err)
	}
	for _, want := range []eid.SecretError{
		{Which: eid.AuthPIN, TriesLeft: 2}, {Which: eid.AuthPIN, TriesLeft: 1}, {Which: eid.AuthPIN}, {Which: eid.AuthPIN, Before: true},
	} {
		err := j.Verify(t.Context(), eid.AuthPIN, wrong)
		got, ok := errors.AsType[*eid.SecretError](err)
		if !ok || *got != want {
			t.Fatalf("got %+v (%v), want %+v", got, err, want)
		}
		if got.Blocked() != errors.Is(err, apdu.ErrBlocked) {
			t.Errorf("%v: blocked is not ErrBlocked", err)
		}
	}
	if n, err := j.Tries(t.Context(), eid.AuthPIN); err != nil || n != 0 {
		t.Errorf("%d tries, %v", n, err)
	}
	_, err := j.SignCertificate(t.Context(), cardtest.Password(t, "WRONG1"))
	if got, ok := errors.AsType[*eid.SecretError](err); !ok || got.Which != eid.SignPassword || got.TriesLeft != 4 {
		t.Errorf("got %v", err)
	}
}

func TestOneSecretIsNotSentAsTheOther(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	j := open(t, hold(t, made.Card))
	for _, err := range []error{
		j.Verify(t.Context(), eid.AuthPIN, made.Password), j.Verify(t.Context(), eid.SignPassword, made.PIN),
		j.Verify(t.Context(), eid.AuthPIN, secret.PIN{}), j.Verify(t.Context(), eid.SignPassword, secret.Password{}),
		j.Change(t.Context(), eid.AuthPIN, made.Password),
	} {
		if !errors.Is(err, secret.ErrFormat) {
			t.Errorf("got %v, want ErrFormat", err)
		}
	}
	if n, _ := j.Tries(t.Context(), eid.AuthPIN); n != 3 {
		t.Errorf("it cost a try: %d left", n)
	}
}

func TestTheHolderChangesThePIN(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	j := open(t, hold(t, made.Card))
	next := cardtest.PIN(t, "2468")
	if err := j.Change(t.Context(), eid.AuthPIN, next); !errors.Is(err, eid.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if err := j.Verify(t.Context(), eid.AuthPIN, made.PIN); err != nil {
		t.Fatal(err)
	}
	if err := j.Change(t.Context(), eid.AuthPIN, next); err != nil {
		t.Fatal(err)
	}
	if err := j.Verify(t.Context(), eid.AuthPIN, next); err != nil {
		t.Error(err)
	}
}

func TestBothKeysSign(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	j := open(t, hold(t, made.Card))
	message := []byte("申請書")
	d1, d256, d384, d512 := sha1.Sum(message), sha256.Sum256(message), sha512.Sum384(message), sha512.Sum512(message)
	for _, key := range []struct {
		which eid.Secret
		value secret.Revealer
	}{{eid.AuthPIN, made.PIN}, {eid.SignPassword, made.Password}} {
		signer, err := j.Signer(t.Context(), key.which, key.value)
		if err != nil {
			t.Fatal(err)
		}
		public := signer.Public().(*rsa.PublicKey)
		for hash, digest := range map[crypto.Hash][]byte{crypto.SHA1: d1[:], crypto.SHA256: d256[:], crypto.SHA384: d384[:], crypto.SHA512: d512[:]} {
			sig, err := signer.Sign(rand.Reader, digest, hash)
			if err != nil || rsa.VerifyPKCS1v15(public, hash, digest, sig) != nil {
				t.Errorf("%v with %v: %v", key.which, hash, err)
			}
		}
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		sig, err := signer.Sign(rand.Reader, d256[:], pss)
		if err != nil || rsa.VerifyPSS(public, crypto.SHA256, d256[:], sig, pss) != nil {
			t.Errorf("%v with PSS: %v", key.which, err)
		}
		for name, refuse := range map[string]func() ([]byte, error){
			"PSS with SHA-512": func() ([]byte, error) { return signer.Sign(nil, d512[:], &rsa.PSSOptions{Hash: crypto.SHA512}) },
			"PSS with a short salt": func() ([]byte, error) {
				return signer.Sign(nil, d256[:], &rsa.PSSOptions{SaltLength: 8, Hash: crypto.SHA256})
			},
			"no hash":                func() ([]byte, error) { return signer.Sign(nil, d256[:], crypto.Hash(0)) },
			"a digest too short":     func() ([]byte, error) { return signer.Sign(nil, d1[:], crypto.SHA256) },
			"a hash of another kind": func() ([]byte, error) { return signer.Sign(nil, d256[:], crypto.SHA512_256) },
		} {
			if _, err := refuse(); !errors.Is(err, eid.ErrMechanism) {
				t.Errorf("%s: got %v, want ErrMechanism", name, err)
			}
		}
		if !signer.Certificate().PublicKey.(*rsa.PublicKey).Equal(public) {
			t.Error("certificate and key differ")
		}
	}
}

func TestASignerIsOverWhenTheApplicationIsSelectedAgain(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	tap := hold(t, made.Card)
	signer, err := open(t, tap).Signer(t.Context(), eid.AuthPIN, made.PIN)
	if err != nil {
		t.Fatal(err)
	}
	open(t, tap)
	digest := sha256.Sum256(nil)
	if _, err := signer.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, eid.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	tap.Close()
	<-tap.Removed()
	if _, err := signer.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, reader.ErrCardRemoved) {
		t.Errorf("got %v, want ErrCardRemoved", err)
	}
}

func TestAChildsCardAndABlankOne(t *testing.T) {
	child := cardtest.New(t, cardtest.Options{Under15: true})
	j := open(t, hold(t, child.Card))
	if sign, auth, err := j.Present(t.Context()); err != nil || sign || !auth {
		t.Errorf("present: %v %v %v", sign, auth, err)
	}
	_, err := j.SignCertificate(t.Context(), child.Password)
	if e, ok := errors.AsType[*eid.SecretError](err); !ok || !e.Before {
		t.Errorf("got %v", err)
	}
	blank := cardtest.Blank(t, cardtest.Options{})
	if _, err := open(t, hold(t, blank.Card)).AuthCertificate(t.Context()); !errors.Is(err, eid.ErrAbsent) {
		t.Errorf("got %v, want ErrAbsent", err)
	}
}

// answers plays a card that says what it likes.
type answers func(command []byte) []byte

func (a answers) Transmit(_ context.Context, command []byte) ([]byte, error) { return a(command), nil }

func TestCardsThatAreNoneOrSayNonsense(t *testing.T) {
	for name, test := range map[string]struct {
		card answers
		want error
	}{
		"another kind of card":     {func([]byte) []byte { return []byte{0x6A, 0x82} }, eid.ErrNotJPKI},
		"a phone that is not open": {func([]byte) []byte { return []byte{0x69, 0x85} }, eid.ErrNotOpen},
		"no status word":           {func([]byte) []byte { return []byte{0x90} }, eid.ErrAnswer},
		"9000 and never any data":  {func([]byte) []byte { return []byte{0x90, 0x00} }, eid.ErrAnswer},
		"more than was asked for": {func(c []byte) []byte {
			if c[1] == apdu.InsReadBinary {
				return append(make([]byte, 300), 0x90, 0x00)
			}
			return []byte{0x90, 0x00}
		}, eid.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := eid.Open(t.Context(), test.card); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// A card announces a certificate of 64 kB, or one that never ends.
func TestAFileIsBounded(t *testing.T) {
	for name, file := range map[string][]byte{
		"too long":          {0x30, 0x82, 0xFF, 0xFF},
		"no certificate":    {0x30, 0x82, 0x00, 0x00},
		"ends before it is": {0x30, 0x82, 0x01, 0x00, 1, 2},
	} {
		reads := 0
		j := open(t, answers(func(c []byte) []byte {
			if c[1] != apdu.InsReadBinary {
				return []byte{0x90, 0x00}
			}
			if reads++; reads == 1 { // token information
				return append(make([]byte, 160), 0x90, 0x00)
			}
			offset := int(c[2])<<8 | int(c[3])
			if offset >= len(file) {
				return []byte{0x6B, 0x00}
			}
			return append(bytes.Clone(file[offset:]), 0x90, 0x00)
		}))
		if c, err := j.AuthCertificate(t.Context()); err == nil || reads > 200 {
			t.Errorf("%s: got %v after %d reads", name, c, reads)
		}
	}
}

package relying_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/services/relying"
)

func TestALetterIsReadByWhomItIsTo(t *testing.T) {
	key, other := newKey(t), newKey(t)
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
	l := relying.Letter{Type: "mandate+jwt", From: "pay", To: "bank"}
	type body struct{ Amount int }
	text, err := l.Seal(key, "k1", body{500})
	if err != nil {
		t.Fatal(err)
	}
	var got body
	if err := l.Open(keys, text, &got); err != nil || got.Amount != 500 {
		t.Fatalf("%+v, %v", got, err)
	}
	forged, err := l.Seal(other, "k1", body{500})
	if err != nil {
		t.Fatal(err)
	}
	unnamed, err := l.Seal(key, "k2", body{500})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("mandate+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	dated := func(iat, exp time.Duration) string {
		now := time.Now()
		text, err := jwt.Signed(signer).Claims(map[string]any{"iss": "pay", "aud": "bank", "iat": now.Add(iat).Unix(), "exp": now.Add(exp).Unix(), "body": body{500}}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct {
		l    relying.Letter
		text string
	}{
		"of another type":     {relying.Letter{Type: "charge+jwt", From: "pay", To: "bank"}, text},
		"of another sender":   {relying.Letter{Type: "mandate+jwt", From: "shop", To: "bank"}, text},
		"to another receiver": {relying.Letter{Type: "mandate+jwt", From: "pay", To: "carrier"}, text},
		"by another's key":    {l, forged},
		"by an unknown key":   {l, unnamed},
		"for long":            {l, dated(0, time.Hour)},
		"over":                {l, dated(-10*time.Minute, -9*time.Minute-30*time.Second)},
		"cut":                 {l, text[:len(text)-4]},
		"nothing":             {l, ""},
	} {
		if err := c.l.Open(keys, c.text, &got); !errors.Is(err, relying.ErrLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := dated(0, 50*time.Second); l.Open(keys, text, &got) != nil {
		t.Error("a whole one was refused")
	}
}

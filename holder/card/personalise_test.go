package card_test

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"

	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

func cardKeys(t *testing.T) map[pki.Kind]*rsa.PrivateKey {
	return map[pki.Kind]*rsa.PrivateKey{pki.CardAuth: pkitest.Key(t, 0), pki.CardSign: pkitest.Key(t, 1)}
}

func TestABlankCardOpensNothing(t *testing.T) {
	m := cardtest.Blank(t, cardtest.Options{})
	run(t, m.Card, `
		<select jpki> => 9000
		00200098 => 63C0
		0020009B => 63C0
		<pin> => 6984
		<password> => 6984
		00B08A0000 => 6B00
		00B0810000 => 6982
		00B0880000 => 000000 9000
		802A0097 01 55 00 => 6982`)
	for _, kind := range []pki.Kind{pki.CardAuth, pki.CardSign} {
		der, err := m.Card.CSR(kind)
		if err != nil {
			t.Fatal(err)
		}
		request, err := x509.ParseCertificateRequest(der)
		if err != nil || request.CheckSignature() != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		public, err := m.Card.PublicKey(kind)
		if err != nil || !public.Equal(request.PublicKey) {
			t.Errorf("%s: the request is of another key: %v", kind, err)
		}
	}
	if _, err := m.Card.CSR(pki.PhoneAuth); err == nil {
		t.Error("a card answered for a phone's key")
	}
	if m.Card.ResetPIN(m.PIN) == nil || m.Card.ResetPassword(m.Password) == nil {
		t.Error("a blank card took a secret")
	}
}

func TestAChildsCardHasNoSignature(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{Under15: true})
	script := `
		<select jpki> => 9000
		00200098 => 63C3
		0020009B => 63C0
		<password> => 6984
		00B0810000 => 6982
		00B0880000 => 008F00 9000
		802A009A 01 55 00 => 6982
		<pin> => 9000
		802A0097 01 55 00 => [256] 9000`
	run(t, m.Card, script)
	if _, err := m.Card.PublicKey(pki.CardSign); err == nil {
		t.Error("the signature key is still there")
	}
	if m.Card.ResetPassword(m.Password) == nil {
		t.Error("the desk could set a password for nothing")
	}
	again, err := card.Open(m.Place)
	if err != nil {
		t.Fatal(err)
	}
	run(t, again, script)
}

func TestPersonalisationIsRefused(t *testing.T) {
	good := func(m *cardtest.Made) card.Personalisation {
		return card.Personalisation{Certificates: m.Certificates, Authorities: m.Authorities, AuthPIN: m.PIN, SignPassword: m.Password}
	}
	for name, spoil := range map[string]func(t *testing.T, p *card.Personalisation){
		"without an authentication certificate":        func(t *testing.T, p *card.Personalisation) { delete(p.Certificates, pki.CardAuth) },
		"without a PIN":                                func(t *testing.T, p *card.Personalisation) { p.AuthPIN = secret.PIN{} },
		"with a password for no certificate":           func(t *testing.T, p *card.Personalisation) { delete(p.Certificates, pki.CardSign) },
		"with a signature certificate but no password": func(t *testing.T, p *card.Personalisation) { p.SignPassword = secret.Password{} },
		"without an authority":                         func(t *testing.T, p *card.Personalisation) { delete(p.Authorities, pki.CardSign) },
		"with bytes that are no certificate":           func(t *testing.T, p *card.Personalisation) { p.Certificates[pki.CardAuth] = []byte{0x30, 0x82} },
		"with a certificate of another key": func(t *testing.T, p *card.Personalisation) {
			p.Certificates[pki.CardAuth] = p.Certificates[pki.CardSign]
		},
		"with a certificate of a kind that is no card's own": func(t *testing.T, p *card.Personalisation) {
			p.Certificates[pki.PhoneAuth] = p.Certificates[pki.CardAuth]
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := cardtest.Blank(t, cardtest.Options{})
			p := good(m)
			spoil(t, &p)
			if err := m.Card.Personalise(p); err == nil {
				t.Error("done")
			}
			if m.Card.Personalised() || m.Card.TriesLeft(pki.CardAuth) != 0 || m.Card.Certificate(pki.CardAuth) != nil {
				t.Error("half of it was done")
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		m := cardtest.New(t, cardtest.Options{})
		if err := m.Card.Personalise(good(m)); !errors.Is(err, card.ErrPersonalised) {
			t.Errorf("got %v, want ErrPersonalised", err)
		}
	})
}

func TestTheDeskGivesNewTries(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<wrong pin> => 63C2\n<wrong pin> => 63C1\n<wrong pin> => 63C0")
	if err := m.Card.ResetPIN(cardtest.PIN(t, "2468")); err != nil {
		t.Fatal(err)
	}
	run(t, m.Card, "00200098 => 63C3\n<wrong pin> => 9000\n<pin> => 63C2")
	if m.Card.ResetPIN(secret.PIN{}) == nil || m.Card.ResetPassword(secret.Password{}) == nil {
		t.Error("no secret at all was taken")
	}
}

func TestWhatIsPrintedOnATokenHasAForm(t *testing.T) {
	for _, token := range []card.Token{
		{Serial: "12345678901234567"}, {Serial: "12a"}, {CardID: "ＡＢＣ"}, {Municipality: "1310"}, {Expires: "2035-12-31"},
	} {
		m := cardtest.Blank(t, cardtest.Options{})
		place := m.Place
		place.Path += "2"
		if _, err := card.Create(place, card.Spec{Token: token, Cost: secret.TestCost(), Keys: cardKeys(t)}); err == nil {
			t.Errorf("%+v was taken", token)
		}
	}
	m := cardtest.Blank(t, cardtest.Options{})
	if _, err := card.Create(m.Place, card.Spec{Cost: secret.TestCost(), Keys: cardKeys(t)}); err == nil {
		t.Error("a card replaced another")
	}
}

func TestACardMakesItsOwnKeys(t *testing.T) {
	m := cardtest.Blank(t, cardtest.Options{})
	place := m.Place
	place.Path, place.CounterPath = place.Path+"2", place.CounterPath+"2"
	c, err := card.Create(place, card.Spec{Cost: secret.TestCost()})
	if err != nil {
		t.Fatal(err)
	}
	a, errA := c.PublicKey(pki.CardAuth)
	s, errS := c.PublicKey(pki.CardSign)
	if errA != nil || errS != nil || a.Equal(s) || a.N.BitLen() != 2048 || s.N.BitLen() != 2048 {
		t.Errorf("keys: %v, %v", errA, errS)
	}
}

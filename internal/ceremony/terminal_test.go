package ceremony_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// till is a terminal and how it is registered.
func till(t testing.TB, id string) (ceremony.Terminal, ceremony.RegisteredTerminal) {
	t.Helper()
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), now)
	c := ops.Party(t, pkitest.ECKey(t).Public(), id, pki.RoleTerminal, pkitest.Leaf{})
	place, address := ceremony.Text{JA: "手形ストア本町店 レジ1", EN: "Tegata Store Honcho, till 1"}, ceremony.Text{JA: "手形市本町1", EN: "1 Honcho, Tegata"}
	return ceremony.Terminal{ID: id, Place: place, Address: address, X5C: base64.StdEncoding.EncodeToString(c.Raw)},
		ceremony.RegisteredTerminal{ID: id, Place: place, Address: address, Key: ceremony.KeyID(c)}
}

// tapped makes a request one of a terminal.
func tapped(r *ceremony.Request, at *ceremony.Terminal) {
	r.Channel, r.Terminal, r.Expires = ceremony.Tap, at, r.IssuedAt+120
}

func TestWhatATapMayCarry(t *testing.T) {
	s := newScene(t)
	at, _ := till(t, "till-1")
	line := ceremony.Line{Label: ceremony.Text{JA: "支払額", EN: "Amount"}, Value: ceremony.Text{JA: "1,280円", EN: "1,280 yen"}}
	for _, c := range []struct {
		kind ceremony.Want
		risk ceremony.Risk
	}{
		{ceremony.Login, ceremony.R1}, {ceremony.Login, ceremony.R3}, {ceremony.Consent, ceremony.R1}, {ceremony.Consent, ceremony.R2},
		{ceremony.Consent, ceremony.R3}, {ceremony.Write, ceremony.R1}, {ceremony.Write, ceremony.R2}, {ceremony.Write, ceremony.R3},
		{ceremony.Eligibility, ceremony.R2}, {ceremony.IssuePaper, ceremony.R3}, {ceremony.SignDoc, ceremony.R3},
	} {
		r := request()
		tapped(&r, &at)
		r.Kind, r.Risk = c.kind, c.risk
		if c.kind == ceremony.Write {
			r.Write = []ceremony.Line{line}
		}
		if c.kind == ceremony.SignDoc {
			r.Document = &ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: strings.Repeat("A", 43),
				URL: ceremony.DocumentURL("http://verifier.localhost:8402", r.ID)}
		}
		m := s.sign(t, r)
		if got := m.Unverified(); got.Terminal == nil || *got.Terminal != at || len(got.Match) != 0 {
			t.Errorf("%s %s: read back as %+v", c.kind, c.risk, got)
		}
	}
}

func TestARequestAtATerminalThatIsNotWhole(t *testing.T) {
	s := newScene(t)
	at, _ := till(t, "till-1")
	for name, change := range map[string]func(*ceremony.Request, *ceremony.Terminal){
		"no terminal": func(r *ceremony.Request, _ *ceremony.Terminal) { r.Terminal = nil },
		"121 seconds": func(r *ceremony.Request, _ *ceremony.Terminal) { r.Expires++ },
		"121 seconds from another screen": func(r *ceremony.Request, _ *ceremony.Terminal) {
			r.Expires++
			r.Channel, r.Match = ceremony.Cross, []string{"11", "22", "33"}
		},
		"numbers to choose from":            func(r *ceremony.Request, _ *ceremony.Terminal) { r.Match = []string{"11", "22", "33"} },
		"a terminal that is the own device": func(r *ceremony.Request, _ *ceremony.Terminal) { r.Channel = ceremony.Same },
		"no place in English":               func(_ *ceremony.Request, at *ceremony.Terminal) { at.Place.EN = "" },
		"no address":                        func(_ *ceremony.Request, at *ceremony.Terminal) { at.Address = ceremony.Text{} },
		"an id with a slash":                func(_ *ceremony.Request, at *ceremony.Terminal) { at.ID = "till/1" },
		"no certificate":                    func(_ *ceremony.Request, at *ceremony.Terminal) { at.X5C = "" },
		"what is no certificate":            func(_ *ceremony.Request, at *ceremony.Terminal) { at.X5C = "AAAA" },
		"a certificate in PEM's base64": func(_ *ceremony.Request, at *ceremony.Terminal) {
			at.X5C = at.X5C[:64] + "\n" + at.X5C[64:]
		},
	} {
		r, own := request(), at
		tapped(&r, &own)
		change(&r, &own)
		if _, err := ceremony.SignRequest(s.portal, s.portalChain, r); !errors.Is(err, ceremony.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := request()
	tapped(&r, &at)
	if r.Fresh(now.Add(119*time.Second)) != nil || !errors.Is(r.Fresh(now.Add(120*time.Second)), ceremony.ErrExpired) {
		t.Error("a request at a terminal does not end after 120 seconds")
	}
}

func TestAPartyNamesItsOwnTerminalsOnly(t *testing.T) {
	s := newScene(t)
	at, registered := till(t, "till-1")
	other, _ := till(t, "till-2")
	for name, c := range map[string]struct {
		change func(*ceremony.Terminal, *ceremony.Registration)
		want   error
	}{
		"its own":               {func(*ceremony.Terminal, *ceremony.Registration) {}, nil},
		"none is registered":    {func(_ *ceremony.Terminal, g *ceremony.Registration) { g.Terminal = nil }, ceremony.ErrTerminal},
		"another one":           {func(at *ceremony.Terminal, _ *ceremony.Registration) { *at = other }, ceremony.ErrTerminal},
		"at another place":      {func(at *ceremony.Terminal, _ *ceremony.Registration) { at.Place.JA = "手形銀行" }, ceremony.ErrTerminal},
		"at another address":    {func(at *ceremony.Terminal, _ *ceremony.Registration) { at.Address.EN = "2 Honcho" }, ceremony.ErrTerminal},
		"another's certificate": {func(at *ceremony.Terminal, _ *ceremony.Registration) { at.X5C = other.X5C }, ceremony.ErrTerminal},
		"a key of another name": {func(at *ceremony.Terminal, g *ceremony.Registration) {
			at.ID, g.Terminal.ID = "till-9", "till-9"
		}, ceremony.ErrTerminal},
	} {
		own, reg, g := at, registered, s.registration()
		g.Terminal = &reg
		c.change(&own, &g)
		r := request()
		tapped(&r, &own)
		if err := g.Allows(s.sign(t, r), nil); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	// Who asks on behalf of another stands at its own terminal.
	g, bank := s.registration(), s.registration()
	bank.Party, bank.Through, bank.Terminal = "bank", "portal", &registered
	r := request()
	tapped(&r, &at)
	r.OnBehalfOf = "bank"
	if err := g.Allows(s.sign(t, r), &bank); !errors.Is(err, ceremony.ErrTerminal) {
		t.Errorf("the other's terminal: %v", err)
	}
}

func TestARegisteredTerminalThatIsNotWhole(t *testing.T) {
	s := newScene(t)
	_, registered := till(t, "till-1")
	for name, change := range map[string]func(*ceremony.RegisteredTerminal){
		"no id":      func(r *ceremony.RegisteredTerminal) { r.ID = "" },
		"no place":   func(r *ceremony.RegisteredTerminal) { r.Place.JA = "" },
		"no address": func(r *ceremony.RegisteredTerminal) { r.Address.EN = "" },
		"no key":     func(r *ceremony.RegisteredTerminal) { r.Key = "" },
	} {
		reg, g := registered, s.registration()
		g.Terminal = &reg
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		change(&reg)
		if err := g.Check(); !errors.Is(err, ceremony.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none ceremony.Terminal
	if c, err := none.Certificate(); c != (*x509.Certificate)(nil) || !errors.Is(err, ceremony.ErrMalformed) {
		t.Errorf("an empty terminal has a certificate: %v", err)
	}
}

package receipt_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/certpath"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/receipt"
)

var noon = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// said is what a status source answers.
type said struct {
	state certpath.State
	err   error
}

func (s said) Status(context.Context, *x509.Certificate, *x509.Certificate, time.Time) (certpath.Status, error) {
	return certpath.Status{State: s.state}, s.err
}

func given() receipt.Revocation {
	return receipt.Revocation{Issuer: "http://issuer", ID: "AAAAAAAAAAAAAAAAAAAAAA", Tag: "K7Q2M4XA", RevokedAt: noon.Unix() - 60, Clear: true, At: noon.Unix()}
}

func TestAReceiptCountsByItsSigner(t *testing.T) {
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), noon.AddDate(-1, 0, 0))
	stranger := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 1), noon.AddDate(-1, 0, 0))
	key := pkitest.ECKey(t)
	chain := func(a *pkitest.Authority, role pki.Role) []*x509.Certificate {
		return []*x509.Certificate{a.Party(t, key.Public(), "issuer-feed", role, pkitest.Leaf{}), a.Cert}
	}
	sign := func(c []*x509.Certificate, r receipt.Revocation) string {
		t.Helper()
		compact, err := receipt.Sign(key, c, r)
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	good := sign(chain(ops, pki.RoleFeed), given())
	checker := receipt.Checker{Ops: []*x509.Certificate{ops.Cert}, Arc: pki.SandboxArc(), Issuer: "http://issuer", Status: said{state: certpath.Good}}
	got, err := checker.Check(t.Context(), good+"\n", noon)
	if err != nil || got != given() {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		tag  string
		same bool
	}{{"k7q2-m4xa", true}, {"Ｋ7Q2M4XA", false}, {"", false}, {"AAAAAAAA", false}} {
		if got.Of(c.tag) != c.same {
			t.Errorf("tag %q: %v", c.tag, !c.same)
		}
	}
	if err := got.FreshAt(noon.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	for _, late := range []time.Duration{3 * time.Minute, -3 * time.Minute} {
		if err := got.FreshAt(noon.Add(late)); !errors.Is(err, receipt.ErrOld) {
			t.Errorf("%v away: %v", late, err)
		}
	}
	other := given()
	other.Issuer = "http://other"
	for name, k := range map[string]struct {
		compact string
		status  certpath.StatusSource
		want    error
	}{
		"under another authority":     {sign(chain(stranger, pki.RoleFeed), given()), said{state: certpath.Good}, receipt.ErrSignature},
		"by a party":                  {sign(chain(ops, pki.RoleParty), given()), said{state: certpath.Good}, receipt.ErrSignature},
		"another issuer's":            {sign(chain(ops, pki.RoleFeed), other), said{state: certpath.Good}, receipt.ErrIssuer},
		"by a signer that is revoked": {good, said{state: certpath.Revoked}, receipt.ErrSignature},
		"by a signer on hold":         {good, said{state: certpath.Held}, receipt.ErrSignature},
		"by one nobody knows":         {good, said{state: certpath.Unknown}, certpath.ErrNoStatus},
		"when nobody answers":         {good, said{err: certpath.ErrNoStatus}, certpath.ErrNoStatus},
		"no receipt":                  {"x.y.z", said{state: certpath.Good}, receipt.ErrMalformed},
	} {
		c := checker
		c.Status = k.status
		if _, err := c.Check(t.Context(), k.compact, noon); !errors.Is(err, k.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	checker.Status = nil
	for i := range good { // each byte counts
		if good[i] == '.' {
			continue
		}
		flipped := good[:i] + string(rune(good[i])^1) + good[i+1:]
		if _, err := checker.Check(t.Context(), flipped, noon); err == nil {
			t.Fatalf("byte %d was changed and it passes", i)
		}
	}
}

func TestReceiptsThatNobodyWrites(t *testing.T) {
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), noon.AddDate(-1, 0, 0))
	key := pkitest.ECKey(t)
	chain := []*x509.Certificate{ops.Party(t, key.Public(), "issuer-feed", pki.RoleFeed, pkitest.Leaf{}), ops.Cert}
	for name, spoil := range map[string]func(*receipt.Revocation){
		"no number":                 func(r *receipt.Revocation) { r.ID = "" },
		"a tag in small letters":    func(r *receipt.Revocation) { r.Tag = strings.ToLower(r.Tag) },
		"before it was revoked":     func(r *receipt.Revocation) { r.At = r.RevokedAt - 1 },
		"without the moment":        func(r *receipt.Revocation) { r.At, r.RevokedAt = 0, 0 },
		"without an issuer":         func(r *receipt.Revocation) { r.Issuer = "" },
		"a number of another shape": func(r *receipt.Revocation) { r.ID = "AAAAAAAAAAAAAAAAAAAAAB" },
	} {
		r := given()
		spoil(&r)
		if _, err := receipt.Sign(key, chain, r); !errors.Is(err, receipt.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another type of message that the same key signs is no receipt.
	compact, err := jws.Sign(jws.Kind{Typ: "tegata-feed+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 1 << 20}, key, chain, given())
	if err != nil {
		t.Fatal(err)
	}
	c := receipt.Checker{Ops: []*x509.Certificate{ops.Cert}, Arc: pki.SandboxArc()}
	if _, err := c.Check(t.Context(), compact, noon); !errors.Is(err, receipt.ErrMalformed) {
		t.Errorf("a feed batch: %v", err)
	}
}

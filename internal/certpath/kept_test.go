package certpath_test

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// An answer that was kept says what was true at its moment, for as long as one likes;
// only its moment must be late enough.
func TestAKeptAnswerIsOfItsMoment(t *testing.T) {
	at := time.Now()
	a := pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 0), at)
	pub := pkitest.Key(t, 1).Public()
	good, revoked, other := a.Issue(t, pub, pkitest.Leaf{}), a.Issue(t, pub, pkitest.Leaf{}), a.Issue(t, pub, pkitest.Leaf{})
	key := pkitest.ECKey(t)
	url := responder(t, a, delegate(t, a, key, ocspSigning, at), key, indexLine(good, "V")+indexLine(revoked, "R"))
	var answers [][]byte
	o := certpath.OCSP{URL: url, Keep: func(der []byte) { answers = append(answers, der) }}
	for _, sha1 := range []bool{true, false} {
		o.SHA1 = sha1
		for _, c := range []struct {
			cert *x509.Certificate
			want certpath.State
		}{{good, certpath.Good}, {revoked, certpath.Revoked}} {
			if s, err := o.Status(t.Context(), c.cert, a.Cert, at); err != nil || s.State != c.want {
				t.Fatalf("%+v, %v", s, err)
			}
		}
	}
	var basic [][]byte
	for _, der := range answers {
		b, err := certpath.BasicOCSP(der)
		if err != nil || len(b) >= len(der) {
			t.Fatalf("%d bytes of %d, %v", len(b), len(der), err)
		}
		basic = append(basic, b)
	}
	years := at.AddDate(3, 0, 0)
	for name, kept := range map[string][][]byte{"as they came": answers, "as signatures carry them": basic} {
		t.Run(name, func(t *testing.T) {
			k := certpath.Kept{Answers: kept, NotBefore: at.Add(-time.Minute)}
			if s, err := k.Status(t.Context(), good, a.Cert, years); err != nil || s.State != certpath.Good || s.Source != "ocsp" {
				t.Errorf("%+v, %v", s, err)
			}
			if s, err := k.Status(t.Context(), revoked, a.Cert, years); err != nil || s.State != certpath.Revoked || s.Reason != 1 {
				t.Errorf("%+v, %v", s, err)
			}
			if _, err := k.Status(t.Context(), other, a.Cert, years); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("about a certificate that nobody asked about: %v", err)
			}
			if _, err := k.Status(t.Context(), good, a.Cert, at.Add(-time.Hour)); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("an answer from the future: %v", err)
			}
			k.NotBefore = at.Add(time.Minute)
			if _, err := k.Status(t.Context(), good, a.Cert, years); !errors.Is(err, certpath.ErrNoStatus) {
				t.Errorf("an answer from before the moment in question: %v", err)
			}
		})
	}
	// The bytes were signed: a changed one is no answer.
	for i := range basic[0] {
		forged := append([]byte(nil), basic[0]...)
		forged[i] ^= 1 << (i % 8)
		if s, err := (certpath.Kept{Answers: [][]byte{forged}}).Status(t.Context(), good, a.Cert, years); err == nil && s.State != certpath.Good {
			t.Fatalf("byte %d changed, and the answer is %s", i, s.State)
		}
	}
}

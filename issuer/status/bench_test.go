package status_test

import (
	"crypto"
	"testing"

	"tegata/internal/pki"
	"tegata/store/issuer/issuertest"
)

// The measured ratios are `tegata bench`'s; these find what became slower.

func BenchmarkOCSP(b *testing.B) {
	i := issuertest.New(b)
	cert := i.Issue(b, pki.PhoneAuth, 0, "")
	id := certID(i.CA.Authority(pki.PhoneAuth), cert.SerialNumber, crypto.SHA1)
	for name, q := range map[string]query{"kept": {ids: [][]byte{id}}, "nonce": {ids: [][]byte{id}, nonce: []byte("0123456789abcdef0123456789abcdef")}} {
		der := q.der()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(i.Handler.Responder.Answer(b.Context(), der)) < 100 {
					b.Fatal("an error")
				}
			}
		})
	}
}

func BenchmarkIssue(b *testing.B) {
	i := issuertest.New(b)
	request := i.Request(b, pki.PhoneAuth, 0)
	b.ReportAllocs()
	for b.Loop() {
		draft, err := i.CA.Prepare(b.Context(), issuertest.Who, request)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := i.CA.Issue(b.Context(), issuertest.Who, draft); err != nil {
			b.Fatal(err)
		}
	}
}

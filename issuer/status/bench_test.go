package status_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"tegata/internal/httpd"
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

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// BenchmarkOCSPDoor is a kept answer behind the guard, without the server.
func BenchmarkOCSPDoor(b *testing.B) {
	i := issuertest.New(b)
	cert := i.Issue(b, pki.PhoneAuth, 0, "")
	der := query{ids: [][]byte{certID(i.CA.Authority(pki.PhoneAuth), cert.SerialNumber, crypto.SHA1)}}.der()
	door := httpd.Guard(httpd.GuardOptions{Names: []string{"127.0.0.1:8401"}, MaxBody: 256 << 10}, i.Handler.Routes(http.NotFoundHandler()))
	get := httptest.NewRequest("GET", "http://127.0.0.1:8401/ocsp/"+url.PathEscape(base64.StdEncoding.EncodeToString(der)), nil)
	post := httptest.NewRequest("POST", "http://127.0.0.1:8401/ocsp", nil)
	post.Header.Set("Content-Type", "application/ocsp-request")
	body := bytes.NewReader(nil)
	for _, r := range []*http.Request{get, post} {
		b.Run(r.Method, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(der)
				r.Body, r.ContentLength = io.NopCloser(body), int64(len(der))
				door.ServeHTTP(discard{http.Header{}}, r)
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

package certpath_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// shelf serves CRLs by path.
type shelf struct {
	mu    sync.Mutex // guards files and hits
	files map[string][]byte
	hits  int
	url   string
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{files: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hits++
		der, ok := s.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(der)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *shelf) put(path string, der []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = der
}

func crl(t *testing.T, a *pkitest.Authority, l x509.RevocationList) []byte {
	t.Helper()
	if l.Number == nil {
		l.Number = big.NewInt(1)
	}
	if l.ThisUpdate.IsZero() {
		l.ThisUpdate = now.Add(-time.Minute)
	}
	if l.NextUpdate.IsZero() {
		l.NextUpdate = now.Add(24 * time.Hour)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &l, a.Cert, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// idp is an issuingDistributionPoint with one URI and further content.
func idp(uri string, more ...byte) pkix.Extension {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if uri != "" {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(uri)) })
				})
			})
		}
		b.AddBytes(more)
	})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: b.BytesOrPanic()}
}

func TestWhatACRLMustBe(t *testing.T) {
	s := newShelf(t)
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	twin := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), now)
	uri := s.url + "/p1.crl"
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{CRL: uri})
	entry := func(reason int) []x509.RevocationListEntry {
		return []x509.RevocationListEntry{{SerialNumber: leaf.SerialNumber, RevocationTime: now.Add(-time.Hour), ReasonCode: reason}}
	}
	ext := func(e ...pkix.Extension) x509.RevocationList { return x509.RevocationList{ExtraExtensions: e} }
	cases := []struct {
		name  string
		der   []byte
		state certpath.State // "" when no status may be learned
	}{
		{"an empty list says good", crl(t, a, x509.RevocationList{}), certpath.Good},
		{"a listed certificate is revoked", crl(t, a, x509.RevocationList{RevokedCertificateEntries: entry(1)}), certpath.Revoked},
		{"certificateHold is a hold", crl(t, a, x509.RevocationList{RevokedCertificateEntries: entry(6)}), certpath.Held},
		{"the list of the certificate's partition", crl(t, a, ext(idp(uri))), certpath.Good},
		{"the list of another partition", crl(t, a, ext(idp(s.url+"/p2.crl"))), ""},
		{"a list of user certificates", crl(t, a, ext(idp(uri, 0x81, 1, 0xFF))), certpath.Good},
		{"a list of authorities only", crl(t, a, ext(idp(uri, 0x82, 1, 0xFF))), ""},
		{"a list of some reasons only", crl(t, a, ext(idp(uri, 0x83, 2, 1, 0x40))), ""},
		{"an indirect list", crl(t, a, ext(idp(uri, 0x84, 1, 0xFF))), ""},
		{"a delta", crl(t, a, ext(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}})), ""},
		{"another key of the same name", crl(t, twin, x509.RevocationList{}), ""},
		{"stale", crl(t, a, x509.RevocationList{ThisUpdate: now.Add(-48 * time.Hour), NextUpdate: now.Add(-time.Second)}), ""},
		{"from the future", crl(t, a, x509.RevocationList{ThisUpdate: now.Add(time.Minute)}), ""},
		{"not a CRL", []byte("not a CRL"), ""},
		{"too large", make([]byte, 17<<20), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.put("/p1.crl", c.der)
			status, err := (&certpath.CRL{}).Status(t.Context(), leaf, a.Cert, now)
			if c.state == "" {
				if !errors.Is(err, certpath.ErrNoStatus) {
					t.Fatalf("learned %q, %v", status.State, err)
				}
				return
			}
			if err != nil || status.State != c.state || status.Source != "crl" {
				t.Errorf("got %+v, %v", status, err)
			}
		})
	}
	changed := crl(t, a, x509.RevocationList{})
	for i := 0; i < len(changed); i += 5 {
		der := append([]byte(nil), changed...)
		der[i] ^= 1
		s.put("/p1.crl", der)
		if status, err := (&certpath.CRL{}).Status(t.Context(), leaf, a.Cert, now); err == nil {
			t.Errorf("byte %d may be changed: %+v", i, status)
		}
	}
}

// marks keeps numbers as a database does, for two instances one after the other.
type marks map[string]uint64

func (m marks) Mark(_ context.Context, name string) (uint64, error) { return m[name], nil }
func (m marks) RaiseMark(_ context.Context, name string, n uint64) error {
	m[name] = max(m[name], n)
	return nil
}

func TestAnOlderCRLIsRefused(t *testing.T) {
	s := newShelf(t)
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{CRL: s.url + "/c.crl"})
	seven := crl(t, a, x509.RevocationList{Number: big.NewInt(7), RevokedCertificateEntries: []x509.RevocationListEntry{
		{SerialNumber: leaf.SerialNumber, RevocationTime: now, ReasonCode: 4}}})
	six := crl(t, a, x509.RevocationList{Number: big.NewInt(6)})
	kept := marks{}
	source := &certpath.CRL{Marks: kept}
	s.put("/c.crl", seven)
	if status, err := source.Status(t.Context(), leaf, a.Cert, now); err != nil || status.State != certpath.Revoked {
		t.Fatalf("got %+v, %v", status, err)
	}
	s.put("/c.crl", six)
	if status, err := source.Status(t.Context(), leaf, a.Cert, now.Add(30*time.Second)); err != nil || status.State != certpath.Revoked {
		t.Errorf("within a minute the list at hand is used: %+v, %v", status, err)
	}
	if _, err := source.Status(t.Context(), leaf, a.Cert, now.Add(2*time.Minute)); !errors.Is(err, certpath.ErrRollback) || !errors.Is(err, certpath.ErrNoStatus) {
		t.Errorf("number 6 after 7: %v", err)
	}
	if _, err := (&certpath.CRL{Marks: kept}).Status(t.Context(), leaf, a.Cert, now); !errors.Is(err, certpath.ErrRollback) {
		t.Errorf("after a restart: %v", err)
	}
	if s.hits != 3 {
		t.Errorf("%d fetches", s.hits)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	a := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	s := newShelf(t)
	s.put("/real.crl", crl(t, a, x509.RevocationList{}))
	server := httptest.NewServer(http.RedirectHandler(s.url+"/real.crl", http.StatusFound))
	defer server.Close()
	leaf := a.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{CRL: server.URL + "/x.crl", OCSP: server.URL})
	for _, source := range []certpath.StatusSource{&certpath.CRL{}, certpath.OCSP{}} {
		if _, err := source.Status(t.Context(), leaf, a.Cert, now); err == nil || !strings.Contains(err.Error(), "302") {
			t.Errorf("%T: %v", source, err)
		}
	}
}

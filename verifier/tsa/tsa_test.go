package tsa_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/tsp"
	"tegata/verifier/tsa"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// memory is a Store that a test can break.
type memory struct {
	stamps []tsa.Stamp
	err    error
}

func (m *memory) RecordStamp(_ context.Context, s tsa.Stamp) error {
	if m.err != nil {
		return m.err
	}
	m.stamps = append(m.stamps, s)
	return nil
}

// signer counts, and looks at what was recorded when it is asked to sign.
type signer struct {
	crypto.Signer
	store  *memory
	signed int
	early  bool
}

func (s *signer) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s.signed++
	s.early = s.early || len(s.store.stamps) < s.signed
	return s.Signer.Sign(r, digest, o)
}

func open(t *testing.T) (*tsa.TSA, *memory, *signer, *time.Time) {
	t.Helper()
	key := pkitest.ECKey(t)
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 7), now)
	use, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	leaf := ops.Issue(t, key.Public(), pkitest.Leaf{CN: "tsa", Extra: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: use}}})
	store := &memory{}
	s := &signer{Signer: key, store: store}
	at := now
	a, err := tsa.New(tsp.Authority{Signer: s, Chain: []*x509.Certificate{leaf, ops.Cert}, Policy: asn1.ObjectIdentifier{2, 999, 1, 6}, Accuracy: time.Second},
		store, func() time.Time { return at }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a, store, s, &at
}

func request(t *testing.T) (tsp.Request, []byte) {
	t.Helper()
	sum := sha256.Sum256([]byte("a signature"))
	r := tsp.NewRequest(crypto.SHA256, sum[:])
	der, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return r, der
}

func TestATimeStampOverHTTP(t *testing.T) {
	a, store, s, _ := open(t)
	server := httptest.NewServer(a.Routes())
	defer server.Close()
	sum := sha256.Sum256([]byte("a signature"))
	client := tsp.Client{URL: server.URL + "/tsa", HTTP: server.Client()}
	seen := map[string]bool{}
	for range 3 {
		token, _, err := client.Stamp(t.Context(), crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		if !token.Time.Equal(now) || seen[token.Serial.String()] {
			t.Errorf("%+v", token.Info)
		}
		seen[token.Serial.String()] = true
	}
	if len(store.stamps) != 3 || s.early {
		t.Errorf("%d serial numbers recorded; signed before one was: %t", len(store.stamps), s.early)
	}
	for what, call := range map[string]func() (*http.Response, error){
		"another media type": func() (*http.Response, error) {
			return http.Post(server.URL+"/tsa", "application/json", bytes.NewReader([]byte("{}")))
		},
		"another method": func() (*http.Response, error) { return http.Get(server.URL + "/tsa") },
	} {
		res, err := call()
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnsupportedMediaType && res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", what, res.StatusCode)
		}
	}
}

// Nothing is signed that was not recorded.
func TestWhatGetsNoToken(t *testing.T) {
	a, store, s, at := open(t)
	r, der := request(t)
	policed := r
	policed.Policy = asn1.ObjectIdentifier{1, 2, 3}
	other, err := policed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		query  []byte
		store  error
		ahead  time.Duration
		reason tsp.Failure
	}{
		"a record that cannot be written":      {der, errors.New("the disk is full"), 0, tsp.SystemFailure},
		"a serial number that is there":        {der, tsa.ErrSerialUsed, 0, tsp.SystemFailure},
		"a clock that runs backwards":          {der, tsa.ErrClockBack, 0, tsp.TimeNotAvailable},
		"a certificate whose time is over":     {der, nil, 20 * 365 * 24 * time.Hour, tsp.SystemFailure},
		"another policy":                       {other, nil, 0, tsp.UnacceptedPolicy},
		"something that is no request":         {[]byte("{}"), nil, 0, tsp.BadDataFormat},
		"a request that was too long to read ": {nil, nil, 0, tsp.BadDataFormat},
	} {
		t.Run(name, func(t *testing.T) {
			store.err, *at = c.store, now.Add(c.ahead)
			_, _, err := r.Check(a.Answer(t.Context(), c.query))
			if d, ok := errors.AsType[*tsp.Declined](err); !ok || d.Failure != c.reason {
				t.Errorf("got %v, want %v", err, c.reason)
			}
		})
	}
	if s.signed != 0 || len(store.stamps) != 0 {
		t.Errorf("%d signed, %d recorded", s.signed, len(store.stamps))
	}
}
